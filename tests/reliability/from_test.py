"""--from: other settings on a trained generator, in one command, with nothing computed again."""

import random

import pytest
from safetensors.numpy import save_file

from tests.reliability import comparing, counts, small
from tests.reliability.world import END, STAGES, Moment

pytestmark = pytest.mark.reliability


def changes(name, folder):
    """The changed fields of one case."""
    if name == "own weights":
        save_file(small.state_dict(), folder / "own.safetensors")
        return {"classifier__weights": str(folder / "own.safetensors")}
    return {
        "another sampler": {"generate__sampler": "ddim"},
        "another classifier seed": {"classifier__seed": 1},
        "another learning rate": {"classifier__learning_rate": 1e-3},
        "finer LIME": {"explain__num_samples": 40},
    }[name]


# What is changed -> the first stage that has to work again.
FIRST = {
    "another sampler": "generate",
    "another classifier seed": "classify",
    "another learning rate": "classify",
    "own weights": "classify",
    "finer LIME": "explain",
}


@pytest.fixture
def empty(world):
    """A folder for a new run, with the cache of the unbroken one."""
    moment = world.copy(Moment(world.root / "nothing", world.before[END].cache))
    yield moment
    world.discard(moment)


def identities(folder):
    """Path -> which file it is on the disk."""
    return {p.relative_to(folder).as_posix(): p.stat().st_ino for p in folder.rglob("*")}


@pytest.mark.parametrize("name", FIRST)
def test_what_still_holds_is_taken_over(world, empty, request, tmp_path, name):
    changed, source = changes(name, tmp_path), world.before[END].workdir
    refused = world.run(world.copy(world.before[END]), changes=changed)
    assert refused.status == 2
    assert "--from=" in refused.said
    before = identities(source)
    outcome = world.run(empty, source=source, changes=changed)
    assert outcome.status == 0, outcome.said
    for stage in STAGES:
        nothing = f"{stage}: finished, nothing to do" in outcome.said
        assert nothing == (STAGES.index(stage) < STAGES.index(FIRST[name])), outcome.said
    assert identities(source) == before
    now = identities(empty.workdir)
    linked = {n for n in now if now[n] == before.get(n)}
    assert "diffusion/best.json" in linked
    assert comparing.contents(source) == world.contents[STAGES[-1]]
    # The same as if all had been computed with these settings from the start.
    fresh = world.copy(Moment(world.root / "nothing", empty.cache))
    assert world.run(fresh, changes=changed).status == 0
    wanted = comparing.contents(fresh.workdir)
    others = comparing.difference(comparing.contents(empty.workdir), wanted)
    counts.add(request, "--from", "different" if others else "as computed from the start")
    assert not others
    world.discard(fresh)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97, "time 0", "time 1"])
def test_a_kill_while_stages_are_taken_over_loses_nothing(world, empty, request, share):
    source = world.before[END].workdir
    links = len([p for p in source.rglob("*") if p.is_file()])
    kill = (
        {"kill_before": 1 + round(share * links)}
        if isinstance(share, float)
        else {"kill_after": random.Random(share).random() * 0.5}
    )
    killed = world.run(empty, "split", source=source, **kill)
    assert killed.status in (0, -9), killed.said
    outcome = world.run(empty, source=source)
    assert outcome.status == 0, outcome.said
    others = comparing.difference(comparing.contents(empty.workdir), world.contents[STAGES[-1]])
    counts.add(request, "kills in --from", "different" if others else "identical")
    assert not others
