"""A sample of the harness, for every run of all tests: some kills, and damage to all stages."""

import random

import pytest

from tests.reliability import comparing, damaging, killing
from tests.reliability.killing import Kill
from tests.reliability.world import END, STAGES

# Two kills of each stage, but of the longest.
KILLS = [(stage, share) for stage in STAGES for share in (0.35, 0.75)]
KILLS = [(stage, share) for stage, share in KILLS if (stage, share) != ("diffusion", 0.35)][:12]


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
