"""Damaged and missing files are made anew by the stage that wrote them."""

import dataclasses
import types

import pytest

from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.stages import base, ledger, mending
from synthmed_jax.stages.base import Stage
from synthmed_jax.workdir import Workdir


@pytest.fixture
def world(tmp_path):
    """A run of two stages that are finished: `first` writes a number, `second` its double."""
    run = types.SimpleNamespace(
        settings=types.SimpleNamespace(fields={}), workdir=Workdir(tmp_path)
    )
    worked = []
    number, double = tmp_path / "first" / "n.txt", tmp_path / "second" / "n.txt"

    def write(path, text):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def run_first(run):
        worked.append("first")
        write(number, "21")

    def run_second(run):
        worked.append("second")
        if number.read_text() != "21":
            raise Damaged(number, "is damaged")
        write(double, "42")

    first = Stage("first", run_first)
    second = Stage("second", run_second, inputs=(first,))

    def run_stage(stage):
        if not base.is_finished(run, stage):
            base.mark(run, stage, "started")
            stage.run(run)
            base.mark(run, stage, "finished", ledger.record(run, stage))

    for stage in (first, second):
        run_stage(stage)
    worked.clear()
    return types.SimpleNamespace(
        run=run, stages=(first, second), run_stage=run_stage, worked=worked, number=number,
        double=double,
    )  # fmt: skip


def mend(world, stage):
    mending.mend(world.run, stage, world.stages, world.run_stage)


def test_a_stage_without_damage_is_only_run(world):
    for stage in world.stages:
        mend(world, stage)
    assert world.worked == []


@pytest.mark.parametrize("damaged", [lambda p: p.write_text("20"), lambda p: p.unlink()])
def test_what_a_stage_can_not_read_is_made_anew_first(world, capsys, damaged):
    first, second = world.stages
    base.mark(world.run, second, "started")
    damaged(world.number)
    mend(world, second)
    assert world.worked == ["second", "first", "second"]
    assert (world.number.read_text(), world.double.read_text()) == ("21", "42")
    assert f"{world.number} is" in capsys.readouterr().out
    assert base.is_finished(world.run, first)


def test_a_damaged_file_is_kept_aside(world, capsys):
    world.double.write_text("43")
    wanted = mending.with_damaged(world.run, [world.stages[0]], world.stages)
    assert wanted == list(world.stages)
    aside = world.run.workdir.root / "damaged" / "second" / "n.txt"
    assert aside.read_text() == "43"
    assert not world.double.exists()
    said = capsys.readouterr().out
    assert f"{world.double} is damaged" in said
    assert str(aside) in said
    assert not base.is_finished(world.run, world.stages[1])
    assert base.is_finished(world.run, world.stages[0])


def test_only_stages_that_are_wanted_or_damaged_are_run(world):
    first, second = world.stages
    assert mending.with_damaged(world.run, [second], world.stages) == [second]
    world.number.unlink()
    assert mending.with_damaged(world.run, [second], world.stages) == [first, second]


def test_a_stage_says_what_has_to_go_with_a_damaged_file(world):
    first = dataclasses.replace(world.stages[0], forget=lambda run, path: base.remove(path.parent))
    world.number.write_text("20")
    (world.number.parent / "other").touch()
    mending.with_damaged(world.run, [first], [first])
    assert not world.number.parent.exists()


def test_what_is_damaged_again_is_an_error(world):
    def stubborn(run):
        raise Damaged(world.number, "is damaged")

    second = dataclasses.replace(world.stages[1], run=stubborn)
    base.mark(world.run, second, "started")
    with pytest.raises(Damaged, match=r"first/n\.txt is damaged"):
        mending.mend(world.run, second, [world.stages[0], second], world.run_stage)


@pytest.mark.parametrize("place", ["run.json", "../elsewhere"])
@pytest.mark.parametrize("kind", [Damaged, FileNotFoundError])
def test_a_file_of_no_stage_is_an_error(world, place, kind):
    path = world.run.workdir.root / place

    def reads(run):
        raise Damaged(path, "is gone") if kind is Damaged else FileNotFoundError(2, "no", str(path))

    second = dataclasses.replace(world.stages[1], run=reads)
    base.mark(world.run, second, "started")
    with pytest.raises((Damaged, FileNotFoundError)):
        mending.mend(world.run, second, [world.stages[0], second], world.run_stage)
    assert world.worked == []


def test_mistakes_of_the_user_pass(world):
    def refuses(run):
        raise UserError("no")

    second = dataclasses.replace(world.stages[1], run=refuses)
    base.mark(world.run, second, "started")
    with pytest.raises(UserError, match="no"):
        mending.mend(world.run, second, [world.stages[0], second], world.run_stage)


def test_a_damaged_marker_is_removed_and_said(world, capsys):
    markers = [world.run.workdir.marker(stage.name) for stage in world.stages]
    markers[0].write_text(markers[0].read_text()[:50])
    mending.look_at_markers(world.run, world.stages)
    assert [marker.exists() for marker in markers] == [False, True]
    said = capsys.readouterr().out
    assert f"{markers[0]} is damaged" in said
    assert "'first' looks anew at what it has made" in said
