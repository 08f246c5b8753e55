"""Numbers of the cards, as data and as they are shown."""

from __future__ import annotations

from synthmed_jax.arms import ARMS
from synthmed_jax.report.card import Number
from synthmed_jax.report.conclusions import MeasuredCell
from synthmed_jax.report.formats import interval, n_is, percent, signed
from synthmed_jax.statistics.group_bootstrap import GroupEstimate

TEST_UNITS = {"group": "groups of test images", "image": "test images"}


def difference(name: str, found: GroupEstimate, of: str) -> Number:
    """A difference of balanced accuracies with its interval.

    Args:
      name: what is subtracted from what.
      of: what was drawn for the interval, such as "test images".
    """
    return Number(
        name,
        found.estimate,
        found.low,
        found.high,
        found.level,
        found.num_groups,
        of,
        f"{signed(found.estimate)} points",
        f"{percent(found.level, 0)} interval {signed(found.low)} to {signed(found.high)}, "
        f"{n_is(found.num_groups)} {of}",
    )


def without_interval(name: str, value: float) -> Number:
    """A difference that an earlier version measured, which gave no interval."""
    return Number(name, value, None, None, None, 0, "", f"{signed(value)} points", "no interval")


def right(cell: MeasuredCell, num_test: int) -> Number:
    """How often a cell is right on the test images."""
    of = cell.interval
    return Number(
        f"right, trained on {ARMS[cell.cell.arm].says}",
        cell.test_accuracy,
        of.low,
        of.high,
        of.level,
        num_test,
        "test images",
        percent(cell.test_accuracy),
        f"{interval(of)}, {n_is(num_test)} test images",
    )
