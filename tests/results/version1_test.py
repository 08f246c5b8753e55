"""Files as the first version of the program wrote them, shortened; they bear no "version"."""

import json
import math
import pathlib
import re

import numpy as np
import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.results.cells import Cell, FoldResult
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.explanations import Alarm, LimeSummary
from synthmed_jax.results.fidelity import Fidelity
from synthmed_jax.results.generator import GeneratorEnd
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.run_info import RunInfo, StageRecord
from synthmed_jax.results.search import SearchResult
from synthmed_jax.results.split import SplitEntry, SplitFile
from synthmed_jax.results.sweep import SweepResult
from synthmed_jax.statistics.intervals import Estimate

FILES = pathlib.Path(__file__).parent / "version1"
KINDS = {
    "best.json": GeneratorEnd,
    "fidelity.json": Fidelity,
    "lime.json": LimeSummary,
    "marker.json": Marker,
    "metrics.json": Evaluation,
    "result.json": FoldResult,
    "run.json": RunInfo,
    "search.json": SearchResult,
    "split.json": SplitFile,
    "sweep.json": SweepResult,
}
SYNTHETIC = Cell("resnet18", "synthetic", 8, math.inf, 0)
REAL = Cell("resnet18", "real", None, 0.0, 0)


def document_of(name):
    return json.loads((FILES / name).read_text())


def test_there_is_one_file_of_every_kind():
    assert {path.name for path in FILES.iterdir()} == set(KINDS)
    assert all("version" not in document_of(name) for name in KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_they_are_read_and_stay_the_same_when_they_are_written_anew(name, tmp_path):
    kind = KINDS[name]
    stored = kind.read(FILES / name)
    stored.write(tmp_path / name)
    assert kind.read(tmp_path / name) == stored


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.VERSION == 1])
def test_those_that_have_not_changed_are_written_byte_for_byte_but_for_the_seal(name, tmp_path):
    KINDS[name].read(FILES / name).write(tmp_path / name)
    document = document_of(name)
    if name == "split.json":
        del document["test"]  # which results never read
    document["seal"] = json.loads((tmp_path / name).read_text())["seal"]
    assert (tmp_path / name).read_text() == json.dumps(document, indent=1) + "\n"


@pytest.mark.parametrize("name", KINDS)
def test_a_missing_field_is_named_with_file_and_version(name, tmp_path):
    whole = document_of(name)
    for field in set(whole) - KINDS[name].WITHHELD - {"control"}:
        without = {key: value for key, value in whole.items() if key != field}
        (tmp_path / name).write_text(json.dumps(without))
        fault = rf"{name} \(version 1 of {KINDS[name].__name__}\).* {field}: required field missing"
        with pytest.raises(UserError, match=fault):
            KINDS[name].read(tmp_path / name)


def test_numbers_that_were_texts():
    evaluation = Evaluation.read(FILES / "metrics.json")
    assert [cell.cell for cell in evaluation.cells] == [SYNTHETIC, REAL]
    assert evaluation.best.cell == SYNTHETIC
    assert (
        evaluation.cells[0].std.val_loss
        == document_of("metrics.json")["cells"][0]["std"]["val_loss"]
    )
    lime = LimeSummary.read(FILES / "lime.json")
    assert lime.model.cell == SYNTHETIC
    assert (lime.model.fold, lime.images_per_class, lime.control) == (0, 2, "logistic")


def test_the_second_version_had_no_quality_and_no_differences(tmp_path):
    first = Evaluation.read(FILES / "metrics.json")
    (tmp_path / "metrics.json").write_text(json.dumps(first.to_document() | {"version": 2}))
    second = Evaluation.read(tmp_path / "metrics.json")
    assert second == first
    assert {cell.quality for cell in second.cells} == {None}
    assert second.differences == ()


def test_a_spread_of_nothing_was_a_table_of_none(tmp_path):
    document = document_of("metrics.json")
    document["cells"][1]["std"] = dict.fromkeys(document["cells"][1]["std"])
    (tmp_path / "metrics.json").write_text(json.dumps(document))
    several, single = Evaluation.read(tmp_path / "metrics.json").cells
    assert several.std is not None
    assert single.std is None


def test_a_file_that_can_not_be_upgraded_is_refused(tmp_path):
    document = document_of("metrics.json")
    document["cells"][0]["n"] = "many"
    (tmp_path / "metrics.json").write_text(json.dumps(document))
    fault = "metrics.json (version 1 of Evaluation) can't be read: not as that version writes it"
    with pytest.raises(UserError, match=re.escape(fault) + ".*'many'"):
        Evaluation.read(tmp_path / "metrics.json")


def test_classes_that_were_called_class(tmp_path):
    lime = LimeSummary.read(FILES / "lime.json")
    assert {test.class_name for test in lime.comparison.tests} == {"glioma"}
    assert [page.class_name for page in lime.pages] == ["glioma", "glioma"]
    expected = Alarm("glioma", "corners", Estimate(2, 3.21, 0.5, 2.9, 3.6))
    assert lime.alarms == {"real": (expected,), "synthetic": ()}
    # An older program had no control, and said nothing of it.
    document = document_of("lime.json")
    del document["control"]
    (tmp_path / "lime.json").write_text(json.dumps(document))
    assert LimeSummary.read(tmp_path / "lime.json").control == "none"


def test_what_was_chosen_on_images_that_had_been_learned_says_so():
    learned = "fit and val, of which the generator had learned fit"
    found = SearchResult.read(FILES / "search.json")
    assert (found.arm, found.judged_on, found.best.loss) == (
        "synthetic",
        learned,
        found.trials[1].loss,
    )
    sweep = SweepResult.read(FILES / "sweep.json")
    assert (sweep.distance, sweep.reference) == ("Frechet distance", learned)
    first, second = sweep.rows
    assert (first.difference, first.difference_interval) == (0, (0, 0))
    differences = np.subtract(second.distances, first.distances)
    assert second.difference == pytest.approx(differences.mean())
    # Student's t with one degree of freedom: 12.706 standard errors.
    half = 12.706 * differences.std(ddof=1) / 2**0.5
    assert np.ptp(second.difference_interval) == pytest.approx(2 * half, rel=1e-4)


def test_units_that_were_called_cells():
    marker = Marker.read(FILES / "marker.json")
    assert marker.units == (REAL.path, SYNTHETIC.path)
    assert marker.fields == document_of("marker.json")["fields"]


def test_what_was_left_out_has_its_default():
    stages = RunInfo.read(FILES / "run.json").stages
    assert stages["split"] == StageRecord("finished", 0.0, 357.4, None)
    assert stages["diffusion"].expected_seconds == 2.0
    assert FoldResult.read(FILES / "result.json").initial.sha256 is None
    assert SplitFile.read(FILES / "split.json").fit[0] == SplitEntry(
        **document_of("split.json")["fit"][0]
    )
