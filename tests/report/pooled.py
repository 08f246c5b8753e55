"""Differences over four seeds, made up, whose numbers differ from one another."""

import dataclasses

from synthmed_jax.results.pool import PooledDifference, SeedDifference
from synthmed_jax.statistics.two_level import TwoLevelEstimate

SEEDS = (
    SeedDifference(0, True, 0.011, -0.01, 0.03),
    SeedDifference(1, False, -0.021, -0.04, 0.005),
    SeedDifference(2, False, -0.015, -0.033, 0.007),
    SeedDifference(4, False, -0.006, -0.02, 0.009),
)
POOLED = TwoLevelEstimate(-0.014, -0.034, 0.006, 0.95, 0.0071, 0.0043, 3, 50)
SHOWN = PooledDifference("D2", 0.2, -0.05, "group", SEEDS, POOLED, 0.0002, 4e-4, True)
NOT_SHOWN = dataclasses.replace(
    SHOWN, name="D1", threshold=-0.02, p=0.12, p_adjusted=0.124, is_shown=False
)
NO_CLAIM = dataclasses.replace(
    SHOWN, of_seeds=SEEDS[:2], pooled=None, p=None, p_adjusted=None, is_shown=None
)
