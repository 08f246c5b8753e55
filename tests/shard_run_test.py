"""Shards of a grid of two trainings, in whose place a file is written."""

import dataclasses
import types

import pytest

from synthmed_jax import runner, settings, shard_run
from synthmed_jax.claims import Claims
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.files import read_json, write_text
from synthmed_jax.results.marker import Marker
from synthmed_jax.shard import Shard
from synthmed_jax.stages import base, ledger
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import make_run
from synthmed_jax.workdir import Workdir

NAMES = ("resnet18/real/all-0-s0/training0", "resnet18/synthetic/8-inf-s0/training0")


@pytest.fixture
def shared(phantom_config, tmp_path, monkeypatch):
    """A workdir whose networks are not trained yet; `train` runs a shard of both."""
    workdir = Workdir(tmp_path / "run")
    before = Stage("before", run=lambda run: None)
    stage = dataclasses.replace(
        shard_run.classify.STAGE, inputs=(before,), inputs_if=lambda run: (), check=lambda run: None
    )
    monkeypatch.setattr(shard_run, "_STAGE", stage)
    monkeypatch.setattr(shard_run, "STAGES", (before, stage))
    write_text(workdir.root / "before" / "made.txt", "made")
    run = make_run(settings.from_config(phantom_config()), workdir.root)
    base.mark(run, before, "finished", ledger.record(run, before))
    trained = []

    def finish(name):
        write_text(workdir.classify / name / "result.json", name)

    def put_in_place(run, part, take):
        for name in part:
            if take(name) and not (workdir.classify / name / "result.json").exists():
                trained.append(name)
                finish(name)

    def in_place_of_training(function):
        monkeypatch.setattr(shard_run.classify, "train", function)

    def train(index, count=2, **changes):
        runner.run(phantom_config(**changes), workdir.root, ["classify"], shard=Shard(index, count))

    in_place_of_training(put_in_place)
    return types.SimpleNamespace(
        root=workdir.root, workdir=workdir, trained=trained, train=train, finish=finish,
        marker=lambda: Marker.read(workdir.marker("classify")), config=phantom_config(),
        in_place_of_training=in_place_of_training,
    )  # fmt: skip


def of_run(shared):
    return read_json(shared.root / "run.json")["stages"]["classify"]["status"]


def test_the_last_shard_finishes_the_stage(shared, capsys):
    shared.train(2)
    assert shared.marker().status == "started"
    assert of_run(shared) == "stopped"
    (left,) = set(NAMES) - set(shared.trained)
    assert f"1 training(s) ({left}) are still missing: --shard=1/2, or" in capsys.readouterr().out
    shared.train(1)
    assert sorted(shared.trained) == list(NAMES)
    assert "all 2 trainings of the whole grid are finished" in capsys.readouterr().out
    marker = shared.marker()
    assert (marker.status, marker.units) == ("finished", NAMES)
    assert list(marker.files) == [f"classify/{name}/result.json" for name in NAMES]
    assert of_run(shared) == "finished"
    for index in (1, 2):
        shared.train(index)
    assert capsys.readouterr().out.count("classify: finished, nothing to do") == 2
    assert len(shared.trained) == 2


def test_more_parts_than_trainings_leave_some_empty(shared, capsys):
    shared.train(3, count=3)
    assert shared.trained == []
    assert "2 training(s)" in capsys.readouterr().out
    assert shared.marker().status == "started"


def test_a_process_that_was_killed_before_it_could_finish_the_stage_is_made_up_for(shared):
    for name in NAMES:
        shared.finish(name)
    shared.train(1)
    assert shared.trained == []
    assert shared.marker().status == "finished"


def test_what_a_process_that_was_killed_while_it_cleared_up_has_left_is_removed(shared):
    for name in NAMES:
        shared.finish(name)
        for left in ("ended", "resume"):
            write_text(shared.workdir.classify / name / left / "3" / "half", "")
    shared.train(3, count=3)  # whose part is empty
    marker = shared.marker()
    assert marker.status == "finished"
    assert list(marker.files) == [f"classify/{name}/result.json" for name in NAMES]
    assert {p.name for p in shared.workdir.classify.rglob("*") if p.is_file()} == {"result.json"}


def test_what_a_killed_process_left_half_written_is_removed_where_it_is_claimed(shared):
    for name in NAMES:
        (shared.root / "classify" / name).mkdir(parents=True)
        (shared.root / "classify" / name / ".result.json.1.tmp").touch()
    shared.train(1)
    left = list((shared.root / "classify").rglob(".result.json.1.tmp"))
    assert [p.parent.relative_to(shared.root / "classify").as_posix() for p in left] == sorted(
        set(NAMES) - set(shared.trained)
    )


def test_a_training_that_another_process_is_at_is_left_to_it(shared, capsys):
    busy, free = NAMES
    with Claims(shared.workdir.locks) as claims:
        assert claims.claim(busy)
        with pytest.raises(UserError, match=rf"of shard 1/1, 1 training\(s\) \({busy}\) were left"):
            shared.train(1, count=1)
        assert f"{busy}: another process is at it" in capsys.readouterr().out
        assert shared.trained == [free]
        # Done, but its process still clears up: that one will finish the stage.
        shared.finish(busy)
        with pytest.raises(UserError, match="give the same command again"):
            shared.train(1, count=1)
        assert shared.marker().status == "started"
    shared.train(1, count=1)
    assert shared.marker().status == "finished"


def test_whole_runs_and_shards_keep_each_other_out(shared):
    with (
        shared.workdir.lock(),
        pytest.raises(UserError, match=r"a whole run is at work in .*/run, "),
    ):
        shared.train(1)
    with shared.workdir.shared_lock():
        with pytest.raises(UserError, match=r"another run is at work in .*/run, or a shard of one"):
            runner.run(shared.config, shared.root, ["split"])
        shared.train(1)  # one of several
    assert len(shared.trained) == 1


@pytest.mark.parametrize("changes", [{"classifier__seeds": 2}, {"classifier__learning_rate": 0.5}])
def test_shards_at_once_have_the_same_settings(shared, changes):
    seen = []

    def other_begins(run, part, take):
        with pytest.raises(UserError, match=r"other shards are at work in .* with other settings"):
            shared.train(2, **changes)
        seen.append(shared.marker())

    shared.in_place_of_training(other_begins)
    with pytest.raises(UserError, match="left to other processes"):
        shared.train(1)
    assert seen == [shared.marker()]
    # Nothing was made, and nobody is at work: other settings may begin.
    shared.in_place_of_training(lambda run, part, take: None)
    with pytest.raises(UserError, match="left to other processes"):
        shared.train(1, **changes)


def test_other_settings_are_refused_where_something_is_finished(shared):
    shared.train(1)
    before = shared.marker()
    with pytest.raises(UserError, match=r"'classify'.*learning_rate = "):
        shared.train(2, classifier__learning_rate=0.5)
    assert shared.marker() == before


def test_a_shard_mends_nothing(shared):
    made = shared.root / "before" / "made.txt"
    made.write_text("edited")
    with pytest.raises(
        UserError, match=r"made\.txt is damaged.*: a shard mends nothing, .* without"
    ):
        shared.train(1)
    assert made.read_text() == "edited"
    assert not shared.workdir.marker("classify").exists()


def test_what_comes_before_is_run_first(shared):
    path = shared.workdir.marker("before")
    dataclasses.replace(Marker.read(path), status="started").write(path)
    with pytest.raises(UserError, match="'classify' needs 'before', which is not finished"):
        shared.train(1)


def test_settings_that_can_not_work_leave_the_stage_open_for_others(shared):
    def diverge(run, part, take):
        raise Diverged("the loss is no longer finite")

    shared.in_place_of_training(diverge)
    with pytest.raises(Diverged):
        shared.train(1)
    assert shared.marker().status == "failed"
    assert of_run(shared) == "stopped"
    shared.in_place_of_training(lambda run, part, take: None)
    with pytest.raises(UserError, match="left to other processes"):
        shared.train(1, classifier__learning_rate=0.5)
    assert shared.marker().fields["classifier.learning_rate"] == 0.5
