"""A sample of the harness, for every run of all tests: some kills, damage to all stages, shards."""

import random
import signal

import pytest

from tests.reliability import comparing, damaging, killing, sharing
from tests.reliability.killing import Kill
from tests.reliability.world import END, STAGES

# One kill of each stage, early and late by turns; `make reliability` has the others.
KILLS = [(stage, (0.35, 0.75)[number % 2]) for number, stage in enumerate(STAGES)]


@pytest.mark.parametrize(("stage", "share"), KILLS)
def test_a_killed_stage_goes_on_to_the_unbroken_runs_bytes(world, stage, share):
    hits, wrong = killing.sequence(world, stage, [Kill(share)])
    assert hits == 1
    assert not wrong, wrong


def test_one_damaged_file_of_each_kind_is_made_anew(world):
    """All at once: the stages that wrote them make them anew, each from what is mended by then."""
    case = world.copy(world.before[END])
    draw = random.Random(0)
    # Weights that no stage would read, and a text that is there to be edited.
    left = ("run/diffusion/", "run/classify/", "run/synthetic/README")
    for kind, paths in damaging.files(case).items():
        path = draw.choice(paths)
        if not kind.startswith(left) or path.suffix in (".json", ".jsonl"):
            damaging.WAYS[draw.choice(list(damaging.WAYS))](case.workdir.parent / path)
    outcome = world.run(case)
    assert outcome.status == 0, outcome.said
    assert "Traceback" not in outcome.said
    assert not comparing.difference(comparing.contents(case.workdir), world.contents[STAGES[-1]])


GRID = [f"tiny/{cell}/training{k}" for cell in ("real_augmented/all-0-s0", "synthetic/6-inf-s0")
        for k in (0, 1)]  # fmt: skip


def test_two_shards_at_once_make_every_training_once(world):
    case = world.copy(world.before["classify"])
    outcomes = sharing.at_once(world, case, ["1/2", "2/2"])
    assert [each.status for each in outcomes] == [0, 0]
    assert sharing.trained(*outcomes) == GRID
    assert any("all 4 trainings of the whole grid are" in each.said for each in outcomes)
    assert not sharing.wrong_after(world, case)


def test_whoever_comes_to_a_shard_at_work_leaves_it_alone_until_it_is_killed(world):
    case = world.copy(world.before["classify"])
    slow = world.start(case, "slow", "classify", shard="1/2", stop_at=sharing.MIDDLE)
    slow.wait_until_stopped()

    twin = world.run(case, "classify", shard="1/2")
    assert twin.status == 2
    assert "of shard 1/2, 1 training(s) (tiny/" in twin.said
    other = world.run(case, "classify", shard="2/2")
    assert other.status == 0
    assert "1 training(s) (tiny/" in other.said
    assert ") are still missing: --shard=1/2, or the command without --shard" in other.said
    whole = world.run(case, "classify")
    assert whole.status == 2
    assert f"another run is at work in {case.workdir}, or a shard of one" in whole.said
    assert not sharing.trained(whole)

    slow.send(signal.SIGKILL)
    killed = slow.wait()
    assert killed.status == -signal.SIGKILL
    assert sharing.trained(killed, twin, other) == GRID
    again = world.run(case, "classify", shard="1/2")
    assert again.status == 0
    assert sharing.trained(again) == sharing.trained(killed)
    assert "all 4 trainings of the whole grid are finished" in again.said
    assert not sharing.wrong_after(world, case)
