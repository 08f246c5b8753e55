"""How large a difference must be to be found."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import stats

from synthmed_jax.statistics.group_bootstrap import POWER, GroupEstimate
from synthmed_jax.statistics.tests import compare_samples

_DRAWS = 4000
_NUMBERS = 8_000_000  # of all draws, so that memory and time stay small


def level_of_next(found: int, num_tests: int, rate: float) -> float:
    """The p value below which Benjamini and Hochberg's procedure would find one test more.

    Args:
      found: differences that it has found among `num_tests` tests.
      rate: of false discoveries, between 0 and 1.
    """
    return rate * min(found + 1, num_tests) / num_tests


@functools.lru_cache(maxsize=256)
def detectable_shift(
    num_first: int, num_second: int, level: float, power: float = POWER, seed: int = 0
) -> float:
    """The smallest shift between two normal samples that Mann and Whitney's test finds.

    Simulated: in each draw of two samples, the test rejects from some shift on, which is an order
    statistic of the differences between their values. The quantile of these shifts at `power` is
    returned, in standard deviations; infinity where samples of this size never give a p value below
    `level`.

    Args:
      num_first, num_second: sizes of the samples, 1 or more.
      level: p values below it count, two-sided, after any adjustment for the number of tests.
      power: chance of finding the shift, between 0 and 1.
      seed: of the draws.
    """
    needed = _wins_needed(num_first, num_second, level)
    pairs = num_first * num_second
    if needed > pairs:
        return math.inf
    rng = np.random.default_rng(seed)
    draws = min(_DRAWS, max(100, _NUMBERS // pairs))
    first, second = rng.normal(size=(draws, num_first)), rng.normal(size=(draws, num_second))
    gaps = (first[:, :, None] - second[:, None, :]).reshape(draws, pairs)
    # A shift wins the pairs whose gap is below it.
    shifts = np.partition(gaps, needed - 1, axis=1)[:, needed - 1]
    return float(np.quantile(shifts, power))


def detectable_gain(of: GroupEstimate, power: float = POWER) -> float:
    """The smallest true difference of accuracies that would have been found above 0.

    Where hardly any answer differs, a bootstrap has hardly any spread, and would promise to find
    anything. So it is at least that of a share d of the groups whose answers all change in one
    direction, which has d = (t(1 - (1-level)/2) + t(power)) sqrt(d (1 - d) / groups).
    """
    freedom = of.num_groups - 1
    factor = float(stats.t.ppf((1 + of.level) / 2, freedom) + stats.t.ppf(power, freedom)) ** 2
    return max(of.detectable, factor / (of.num_groups + factor))


def _wins_needed(num_first: int, num_second: int, level: float) -> int:
    """Pairs in which the second value must be larger for p below `level`; too many: never."""
    low, high = num_first * num_second // 2, num_first * num_second + 1
    while low < high:
        wins = (low + high) // 2
        low, high = (low, wins) if _p_of(wins, num_first, num_second) < level else (wins + 1, high)
    return low


def _p_of(wins: int, num_first: int, num_second: int) -> float:
    """The p value of samples without ties in which `wins` of the pairs are won by the second."""
    above_all, above_some = divmod(wins, num_first)
    if above_all > num_second or (above_all == num_second and above_some):
        return 0.0
    first = np.arange(num_first, dtype=np.float64)
    below = num_second - above_all - (above_some > 0)
    second = [-1.0 - i for i in range(below)]
    second += [above_some - 0.5] * (above_some > 0)
    second += [num_first + float(i) for i in range(above_all)]
    return compare_samples(first.tolist(), second).p
