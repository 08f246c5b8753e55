"""What the tests that found no difference between real and synthetic images would have found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from synthmed_jax import verdicts
from synthmed_jax.results.explanations import TwoSampleRow
from synthmed_jax.statistics.group_bootstrap import POWER
from synthmed_jax.statistics.power import detectable_shift, level_of_next


@dataclasses.dataclass(frozen=True)
class Detectable:
    """The smallest differences that tests would have found.

    Attributes:
      smallest, largest: of these tests, in standard deviations over images; infinite where a test
        had too few images to find any.
      num_tests: that found no difference.
      p_below: the p value that one more would have needed, after the adjustment for their number.
      power: chance of finding such a difference.
    """

    smallest: float
    largest: float
    num_tests: int
    p_below: float
    power: float


def detectable(tests: Sequence[TwoSampleRow]) -> Detectable | None:
    """Returns what the tests without a found difference would have found; None: there is none."""
    missed = [test for test in tests if not verdicts.differs(test.q)]
    if not missed:
        return None
    found = len(tests) - len(missed)
    level = level_of_next(found, len(tests), verdicts.FALSE_DISCOVERY.value)
    shifts = [detectable_shift(test.n_real, test.n_synthetic, level) for test in missed]
    return Detectable(min(shifts), max(shifts), len(missed), level, POWER)


def sentence(of: Detectable | None) -> str:
    """Returns how large the differences are that were missed, as a sentence, or ""."""
    if of is None:
        return ""
    power = f"{100 * of.power:.0f} %"
    if math.isinf(of.smallest):
        return (
            " With so few images these tests can't find a difference, however large: that they "
            "find none says nothing."
        )
    size = f"{of.smallest:.1f}"
    if f"{of.largest:.1f}" != size:
        size += (
            " (and some, of fewer images, none)"
            if math.isinf(of.largest)
            else (f" to {of.largest:.1f}, by their numbers of images,")
        )
    return (
        f" Where none is found, the tests would have found a difference of {size} standard "
        f"deviations over images in {power} of such samples, and a smaller one less often (at p "
        f"below {of.p_below:.2g}, which one difference more would have needed)."
    )
