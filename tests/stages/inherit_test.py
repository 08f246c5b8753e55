"""--from: a new workdir takes over what another one has finished."""

import dataclasses
import pathlib

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.stages import base, inherit, ledger
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import make_run as run_of

FIRST = Stage("first", lambda run: None, fields=("split.",))
SECOND = Stage("second", lambda run: None, fields=("generate.",), inputs=(FIRST,))
STAGES = (FIRST, SECOND)


def finish(run, stage):
    for name in ("a.txt", "b/c.txt"):
        path = stage.output(run) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{stage.name} {name}")
    base.mark(run, stage, "finished", ledger.record(run, stage))


@pytest.fixture
def source(make_run, tmp_path) -> pathlib.Path:
    """A workdir in which both stages are finished."""
    other = run_of(make_run().settings, tmp_path / "other")
    for stage in STAGES:
        finish(other, stage)
    return other.workdir.root


def files(folder):
    return {
        p.relative_to(folder).as_posix(): p.stat().st_ino for p in folder.rglob("*") if p.is_file()
    }


def test_finished_stages_are_linked(make_run, source, capsys):
    run = make_run()
    inherit.take_over(run, source, STAGES)
    assert files(run.workdir.root) == files(source)
    assert all(base.is_finished(run, stage) for stage in STAGES)
    assert capsys.readouterr().out == f"from {source}: first, second taken over\n"


def test_they_are_copied_where_links_can_not_be_made(make_run, source, monkeypatch):
    def refuse(path, place):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(inherit.os, "link", refuse)
    run = make_run()
    inherit.take_over(run, source, STAGES)
    assert (run.workdir.root / "second" / "b" / "c.txt").read_text() == "second b/c.txt"
    assert not set(files(run.workdir.root).values()) & set(files(source).values())


def test_what_other_fields_were_made_with_is_left_and_said(make_run, source, capsys):
    run = make_run(generate__steps=9)
    inherit.take_over(run, source, STAGES)
    assert base.is_finished(run, FIRST)
    assert not SECOND.output(run).exists()
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"from {source}: first taken over",
        "  second is not: it was run with config field generate.steps = 10, now it is 9",
    ]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda run: base.mark(run, SECOND, "started"), "it is not finished there"),
        (lambda run: (SECOND.output(run) / "a.txt").unlink(), "second/a.txt is gone"),
        (lambda run: (SECOND.output(run) / "a.txt").write_text("x"), "second/a.txt is damaged"),
        (lambda run: run.workdir.marker("second").write_text("{"), "second.json is damaged"),
    ],
    ids=["not finished", "gone", "damaged", "damaged marker"],
)
def test_what_is_not_whole_there_is_left_and_said(make_run, source, capsys, spoil, reason):
    run = make_run()
    spoil(run_of(run.settings, source))
    inherit.take_over(run, source, STAGES)
    assert base.is_finished(run, FIRST)
    assert not run.workdir.marker("second").exists()
    assert reason in capsys.readouterr().out


def test_what_is_begun_here_stays(make_run, source, capsys):
    run = make_run()
    base.mark(run, SECOND, "started")
    before = run.workdir.marker("second").read_bytes()
    inherit.take_over(run, source, STAGES)
    assert run.workdir.marker("second").read_bytes() == before
    assert not SECOND.output(run).exists()
    inherit.take_over(run, source, STAGES)  # the same command again
    assert capsys.readouterr().out == f"from {source}: first taken over\n"


def test_a_stage_that_is_not_to_be_shared_is_left(make_run, source):
    run = make_run()
    inherit.take_over(run, source, (FIRST, dataclasses.replace(SECOND, inherited=False)))
    assert not SECOND.output(run).exists()


def test_links_of_a_run_that_was_killed_are_made_again(make_run, source):
    run = make_run()
    half = FIRST.output(run) / "a.txt"
    half.parent.mkdir(parents=True)
    half.write_text("half of it")
    inherit.take_over(run, source, STAGES)
    assert half.read_text() == "first a.txt"
    assert (source / "first" / "a.txt").read_text() == "first a.txt"


def test_a_source_that_has_nothing_for_this_run_is_refused(make_run, source):
    run = make_run(split__seed=5)
    with pytest.raises(UserError, match=r"(?s)nothing of --from=.*first is not: .*split\.seed = 0"):
        inherit.take_over(run, source, STAGES)


def test_a_folder_of_no_run_and_the_workdir_itself_are_refused(make_run, source, tmp_path):
    run = make_run()
    with pytest.raises(UserError, match="is no workdir of a run: it has no folder stages/"):
        inherit.take_over(run, tmp_path / "nowhere", STAGES)
    with pytest.raises(UserError, match="is the --workdir itself: give a new folder"):
        inherit.take_over(run_of(run.settings, source), source, STAGES)
