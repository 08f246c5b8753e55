"""Processes that share a workdir and are killed at random: as one process's results, each time."""

import random

import pytest

from tests.reliability import sharing

pytestmark = pytest.mark.reliability

_DRAW = random.Random(0)
CASES = [
    (shards, tuple(round(_DRAW.uniform(0, 0.6), 2) for _ in shards))
    for shards in (
        *(("1/2", "2/2"), ("1/1", "1/1"), ("1/3", "2/3", "3/3"), ("1/2", "1/2", "2/2")),
        ("1/4", "2/4", "3/4", "4/4"),
    )
    for _ in range(6)
]


@pytest.mark.parametrize(("shards", "shares"), CASES)
def test_shards_that_were_killed_go_on_to_one_process_s_results(world, shards, shares):
    _, wrong = sharing.killed_and_restarted(world, shards, shares)
    assert not wrong, wrong
