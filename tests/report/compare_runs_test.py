import dataclasses
import pathlib

import pytest

from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import read_json, write_json
from synthmed_jax.report.compare_runs import differing_fields, read_side_by_side, short_names
from synthmed_jax.report.side_by_side import DifferingField, SideBySide
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.marker import PER_CLASS, Marker
from synthmed_jax.results.membership import IMAGES_ONLY
from synthmed_jax.results.release import Release
from synthmed_jax.results.stored import read_document, write_document
from tests.report.compared import write_compared
from tests.report.conftest import MEMORISATION


@pytest.fixture
def pair(tmp_path):
    return [write_compared(tmp_path / name, seed) for seed, name in enumerate(("a", "b"))]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("/runs/s1", "/runs/s2"), ("s1", "s2")),
        (("/runs/ct/s1", "/runs/all/s1"), ("ct/s1", "all/s1")),
        (("/x/run", "/y/run", "/y/other"), ("x/run", "y/run", "y/other")),
        (("/run", "/x/run"), ("/run", "x/run")),
    ],
)
def test_runs_are_called_by_what_tells_them_apart(paths, names):
    assert short_names([pathlib.Path(path) for path in paths]) == names


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ({"a": 1, "b": [2]}, {"a": 1, "b": [2]}, ()),
        ({"b": 1, "a": 1}, {"b": 2, "a": 3}, (("a", {"x": 1, "y": 3}), ("b", {"x": 1, "y": 2}))),
        ({"a": None}, {"a": 0}, (("a", {"x": None, "y": 0}),)),
        ({"a": 1}, {}, (("a", {"x": 1}),)),  # a version without the field
        ({"classifier.warp": 0.5}, {}, ()),  # which did the same without it
        ({"classifier.warp": 0.0}, {}, (("classifier.warp", {"x": 0.0, "y": 0.5}),)),
    ],
)
def test_the_fields_in_which_runs_differ(one, two, expected):
    found = differing_fields({"x": one, "y": two})
    assert found == tuple(DifferingField(*each) for each in expected)


@pytest.mark.parametrize(
    ("other", "same_data", "same_test", "seeds_alone", "fields"),
    [
        ({"seed": 0}, True, True, False, []),
        ({"seed": 1}, True, False, True, ["seed"]),
        ({"seed": 0, "config": {"scale": "paper"}}, True, True, False, ["scale"]),
        (
            {"seed": 1, "changed": {"diffusion.num_steps": 100}},
            *(True, False, False, ["diffusion.num_steps", "seed"]),
        ),
        ({"seed": 0, "data_hash": "def"}, False, False, False, []),
        ({"seed": 1, "data_hash": "def"}, False, False, False, ["seed"]),
    ],
)
def test_what_runs_have_in_common(tmp_path, other, same_data, same_test, seeds_alone, fields):
    one, two = write_compared(tmp_path / "a"), write_compared(tmp_path / "b", **other)
    side = read_side_by_side([one, two])
    assert (side.same_data, side.same_test, side.seeds_alone) == (same_data, same_test, seeds_alone)
    assert [field.name for field in side.fields] == fields


def test_a_run_has_the_numbers_of_its_own_files(pair):
    side = read_side_by_side(pair)
    assert side.names == ("a", "b")
    run, evaluation = side.runs[1], Evaluation.read(pair[1] / "evaluate" / "metrics.json")
    assert (run.seed, run.scale, run.dataset, run.num_test) == (1, "cpu", "drawn", 192)
    assert [arm.arm for arm in run.arms] == ["synthetic", "real"]
    assert run.arms[0].accuracy == evaluation.cells[0].mean.test_accuracy
    gap = run.answers["D1"].findings[0].numbers[0]
    declared = evaluation.declared[0].difference
    assert (gap.value, gap.low, gap.high) == (declared.estimate, declared.low, declared.high)
    lacking = (run.floors, run.fidelity, run.nearness, run.info)
    assert lacking == ((), (), None, None)
    assert run.answers["release"].findings[0].verdict == "not measured"


@pytest.mark.parametrize(("number", "is_audited"), [(500, True), (200, False)])
def test_an_audit_of_another_number_of_images_is_left_out(pair, number, is_audited):
    release = Release(IMAGES_ONLY, "copies found", {}, ("Many.",), (), ())
    judged = dataclasses.replace(MEMORISATION, release=(release,))
    judged.write(pair[0] / "audit" / "memorisation.json")
    for stage, per_class in (("audit", number), ("evaluate", 500)):
        marker = Marker("finished", {}, {}, (f"{per_class}{PER_CLASS}", f"{stage}/more"))
        marker.write(pair[0] / "stages" / f"{stage}.json")
    verdict = read_side_by_side(pair).runs[0].answers["release"].findings[0].verdict
    assert (verdict != "not measured") == is_audited


def test_without_a_list_of_tested_images_it_is_not_known_whether_they_are_the_same(pair):
    (pair[0] / "evaluate" / "predictions.csv").unlink()
    side = read_side_by_side(pair)
    assert (side.same_data, side.same_test) == (True, None)


def test_it_is_read_as_it_was_written(pair, tmp_path):
    side = read_side_by_side(pair)
    side.write(tmp_path / "compare.json")
    assert SideBySide.read(tmp_path / "compare.json") == side


@pytest.mark.parametrize("number", [0, 1])
def test_one_workdir_is_not_enough(pair, number):
    with pytest.raises(UserError, match=r"must name two .*--config\.compare\.workdirs=/runs/cpu,"):
        read_side_by_side(pair[:number])


def test_one_workdir_under_two_names_is_refused(pair, tmp_path):
    (tmp_path / "link").symlink_to(pair[0])
    with pytest.raises(UserError, match=r"one workdir twice, as .*/a and as .*/link: leave one"):
        read_side_by_side([*pair, tmp_path / "link"])


def no_folder(root):
    return root / "nowhere"


def no_workdir(root):
    (root / "config.json").unlink()


def not_finished(root):
    write_compared(root, 1, unfinished="evaluate")


def of_a_later_version(root):
    path = root / "evaluate" / "metrics.json"
    write_document(path, read_document(path) | {"version": 99})


def without_split(root):
    (root / "split" / "split.json").unlink()


def without_evaluation(root):
    (root / "evaluate" / "metrics.json").unlink()


def damaged(root):
    (root / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "kind", "message"),
    [
        (no_folder, UserError, r"compare\.workdirs: there is no folder .*nowhere"),
        (no_workdir, UserError, r"b is no workdir of a run: it has no config\.json"),
        (not_finished, UserError, r"compare\.workdirs: stage 'evaluate' of .*b is started, not"),
        (of_a_later_version, UserError, r"b/evaluate/metrics\.json is of version 99, and this"),
        (without_split, Damaged, r"b/split/split\.json is gone: give the command of that run"),
        (without_evaluation, Damaged, r"b/evaluate/metrics\.json is gone: give the command of"),
        (damaged, Damaged, r"b/config\.json is damaged .*give the command of that run again"),
    ],
)
def test_what_is_no_finished_workdir_is_refused(pair, spoil, kind, message):
    folder = spoil(pair[1]) or pair[1]
    with pytest.raises(kind, match=message):
        read_side_by_side([pair[0], folder])


def test_what_is_not_of_a_run_itself_is_no_difference(pair):
    config = read_json(pair[0] / "config.json") | {"pool": {"workdirs": "/x"}, "seed": 1}
    write_json(pair[0] / "config.json", config)
    assert [field.name for field in read_side_by_side(pair).fields] == ["seed"]
