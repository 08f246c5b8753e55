"""Kills over all stages: before each n-th change of a file, at random times, and in a row."""

import random

import pytest

from tests.reliability import counts, killing
from tests.reliability.killing import Kill
from tests.reliability.world import STAGES

pytestmark = pytest.mark.reliability

# Stage -> at how many of its changes of files it is killed, evenly over all.
CHANGES = {
    "split": 18, "diffusion": 30, "generate": 18, "audit": 14, "classify": 30, "evaluate": 16,
    "explain": 22, "card": 6, "report": 14,
}  # fmt: skip
TIMES = 8  # kills of each stage at random times
ROWS = 1  # sequence of each stage of three kills in a row


def cases():
    draw = random.Random(0)
    for stage in STAGES:
        n = CHANGES[stage]
        for i in range(n):
            yield stage, f"change {i}", [Kill(i / (n - 1))]
        for i in range(TIMES):
            yield stage, f"time {i}", [Kill(draw.random(), by_time=True)]
        for i in range(ROWS):
            in_a_row = [Kill(draw.random(), by_time=draw.random() < 0.5) for _ in range(3)]
            yield stage, f"row {i}", in_a_row


CASES = list(cases())


@pytest.mark.parametrize(
    ("stage", "kills"),
    [(stage, kills) for stage, _, kills in CASES],
    ids=[f"{stage}, {name}" for stage, name, _ in CASES],
)
def test_a_killed_stage_goes_on_to_the_unbroken_runs_bytes(world, request, stage, kills):
    hits, wrong = killing.sequence(world, stage, kills)
    for _ in range(hits):
        counts.add(request, f"kills in {stage}", "different" if wrong else "identical")
    assert not wrong, wrong
