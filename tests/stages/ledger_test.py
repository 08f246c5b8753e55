"""What a finished stage left, and what has become of it."""

import dataclasses
import types

import pytest

from synthmed_jax.errors import Damaged
from synthmed_jax.stages import base, ledger
from synthmed_jax.stages.base import Stage
from synthmed_jax.workdir import Workdir

LEFT = "is damaged: it is not what the stage 'first' left"
STAGE = Stage("first", lambda run: None)


@pytest.fixture
def run(tmp_path):
    """What the functions see of a run; its stage has left three files and a checkpoint."""
    made = types.SimpleNamespace(
        settings=types.SimpleNamespace(fields={}), workdir=Workdir(tmp_path)
    )
    for name in ("a.txt", "b/c.txt", "b/d.png", "b/best/7/array", "b/resume/7/array"):
        path = tmp_path / "first" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return made


def finish(run, stage=STAGE):
    base.mark(run, stage, "finished", ledger.record(run, stage))


def damages(run, stage=STAGE):
    return [str(error) for error in ledger.damage(run, stage)]


def test_all_files_are_recorded_but_those_of_checkpoints(run):
    recorded = ledger.record(run, STAGE)
    assert list(recorded) == ["first/a.txt", "first/b/c.txt", "first/b/d.png"]
    assert recorded["first/a.txt"].startswith("18b7cb09")  # as sha256sum has it


def test_a_stage_may_name_the_files_that_are_recorded(run):
    stage = dataclasses.replace(STAGE, recorded=("*.txt",))
    assert list(ledger.record(run, stage)) == ["first/a.txt"]


def test_what_is_as_it_was_left_is_no_damage(run):
    finish(run)
    assert damages(run) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda path: path.write_text("c.txT"),
            LEFT,
        ),
        (lambda path: path.write_text(""), LEFT),
        (lambda path: path.unlink(), "is gone"),
    ],
    ids=["changed", "emptied", "removed"],
)
def test_what_is_changed_or_gone_is_named(run, change, said):
    finish(run)
    path = run.workdir.root / "first" / "b" / "c.txt"
    change(path)
    assert damages(run) == [f"{path} {said}"]


@pytest.mark.parametrize("status", ["started", "failed"])
def test_a_stage_that_is_not_finished_has_left_nothing_yet(run, status):
    base.mark(run, STAGE, status, ledger.record(run, STAGE))
    (run.workdir.root / "first" / "a.txt").unlink()
    assert damages(run) == []


def test_a_stage_without_a_marker_has_no_damage(run):
    assert damages(run) == []


def test_further_files_that_are_needed_are_missed(run):
    image = run.workdir.root / "first" / "image"
    stage = dataclasses.replace(STAGE, recorded=(), needed=lambda run: [image])
    finish(run, stage)
    assert damages(run, stage) == [f"{image} is gone"]
    image.touch()
    assert damages(run, stage) == []


def test_what_tells_of_the_needed_files_may_be_damaged_itself(run):
    path = run.workdir.root / "first" / "manifest.csv"

    def needed(run):
        raise Damaged(path, "is damaged: a row")

    stage = dataclasses.replace(STAGE, recorded=(), needed=needed)
    finish(run, stage)
    assert damages(run, stage) == [f"{path} is damaged: a row"]


@pytest.mark.parametrize(
    ("name", "maker"), [("first/b/c.txt", "first"), ("else/a", "second"), ("run.json", None)]
)
def test_the_maker_of_a_file_is_the_stage_in_whose_folder_it_lies(run, name, maker):
    second = Stage("second", lambda run: None, folder="else")
    found = ledger.maker(run, run.workdir.root / name, [STAGE, second])
    assert (found and found.name) == maker
