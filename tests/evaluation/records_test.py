import dataclasses

import numpy as np
import pytest

from synthmed_jax.errors import Damaged
from synthmed_jax.evaluation import records
from synthmed_jax.evaluation.predictions import read_answers
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.floors import Floors
from synthmed_jax.results.record import Made, Record, from_characters, to_characters
from synthmed_jax.results.split import SplitFile
from synthmed_jax.results.stored import write_document
from tests.finished_runs import write_run


def test_a_record_has_all_that_a_workdir_says(tmp_path):
    root = write_run(tmp_path / "s2", 2)
    groups = np.arange(192) // 3
    records.read_record(root, groups, records.DOCUMENTS).write(tmp_path / "record.json")
    found = Record.read(tmp_path / "record.json")
    answers = read_answers(root / records.PREDICTIONS)
    hits = records.hits_of(found)
    assert (hits.files, hits.classes) == (answers.files, answers.classes)
    for cell, right in answers.hits.of_cells.items():
        np.testing.assert_array_equal(hits.of_cells[cell], right)
    assert found.groups == tuple(groups)
    assert found.fields["seed"] == 2
    assert found.inputs["split: data_hash"] == "abc"
    path = tmp_path / "record.json"
    evaluation = found.document(Evaluation, records.METRICS, path)
    assert evaluation == Evaluation.read(root / records.METRICS)
    assert found.document(Floors, "evaluate/floors.json", path) is None
    assert found.made is None


def test_how_a_run_was_made_is_kept_without_its_folders(tmp_path):
    root = write_run(tmp_path / "s1", 1)
    info = {
        **{"command": f"main.py --workdir={root}", "started": "now", "commit": "abc"},
        **{"python": "3", "versions": {}, "devices": ["cpu:cpu"], "cpu": "A CPU"},
        **{"cpu_affinity": None, "seeds": {}},
        "data": {"name": "drawn", "hash": "", "num_images": 1, "unreadable": []},
        "stages": {
            "split": {"status": "finished", "seconds": 2.5, "peak_memory_mib": 1.0},
            "report": {
                **{"status": "finished", "seconds": 1.5, "peak_memory_mib": 1.0},
                "commits": ["abc", "def"],
            },
        },
    }
    write_document(root / "run.json", info)
    found = records.read_record(root, None)
    assert found.made == Made(
        commit="abc",
        cpu="A CPU",
        devices=("cpu:cpu",),
        seconds={"split": 2.5, "report": 1.5},
        commits={"report": ("abc", "def")},
    )
    assert found.groups == ()
    found.write(tmp_path / "record.json")
    assert str(tmp_path) not in (tmp_path / "record.json").read_text()


@pytest.mark.parametrize("classes", [2, 11, 300])
def test_a_label_is_a_character(classes):
    labels = list(range(classes))
    text = to_characters(labels)
    assert len(text) == classes
    assert from_characters(text) == labels


def test_predictions_of_another_split_are_refused(tmp_path):
    root = write_run(tmp_path / "s0", 0)
    with pytest.raises(Damaged, match=r"predictions\.csv has other test images than .*split\.json"):
        records.read_record(root, np.zeros(3, np.int64))
    split = SplitFile.read(root / "split" / "split.json")
    other = dataclasses.replace(split, class_names=("benign", "other"), counts={})
    other.write(root / "split" / "split.json")
    with pytest.raises(Damaged, match=r"predictions\.csv has other classes than"):
        records.read_record(root, None)
