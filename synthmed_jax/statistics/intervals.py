"""Intervals of shares and means."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

LEVEL = 0.95  # of every interval that is not asked for at another level


@dataclasses.dataclass(frozen=True)
class Interval:
    """An interval of a number.

    Attributes:
      low, high: its ends.
      level: its confidence, between 0 and 1.
      method: in words.
    """

    low: float
    high: float
    level: float
    method: str


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean with its spread and interval.

    Attributes:
      n: values.
      mean: None where there is no value.
      std: standard deviation (n - 1); None for fewer than two values.
      low, high: ends of the interval of the mean; None where it is not known.
    """

    n: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None


def wilson(share: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share of n trials.

    share * n need not be whole, so that a mean of several shares of the same n may be given.
    scipy's `proportion_ci` takes whole counts only; a test holds the two together there.

    Raises:
      ValueError: n below 1, or a share or level outside its range.
    """
    if n < 1 or not 0 <= share <= 1 or not 0 < level < 1:
        raise ValueError(f"no interval for a share of {share} of {n} at level {level}")
    z = float(stats.norm.ppf((1 + level) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding may push an end past the share itself at 0 and at 1.
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def accuracy_interval(accuracy: float, n: int, level: float = LEVEL) -> Interval:
    """Interval of a mean accuracy over trainings that all see the same n independent images.

    It speaks of the sampling of test images, not of training again. Raises as `wilson`.
    """
    low, high = wilson(accuracy, n, level)
    return Interval(low, high, level, f"Wilson score of the mean over trainings, {n} images")


def mean_estimate(
    values: Sequence[float], level: float = LEVEL, least_error: float = 0.0
) -> Estimate:
    """Mean of values with Student's interval; what needs two or more values is None.

    Args:
      level: confidence of the interval.
      least_error: standard error that the mean has at least, whatever the values' spread; of three
        values that happen to agree, Student's interval is next to nothing.
    """
    n = len(values)
    if not n:
        return Estimate(0, None, None, None, None)
    mean = float(np.mean(values))
    if n == 1:
        return Estimate(1, mean, None, None, None)
    std = float(np.std(values, ddof=1))
    tail = (1 + level) / 2
    half = float(max(stats.t.ppf(tail, n - 1) * std / n**0.5, stats.norm.ppf(tail) * least_error))
    return Estimate(n, mean, std, mean - half, mean + half)


def share_estimate(hits: Sequence[float], level: float = LEVEL) -> Estimate:
    """Mean of zeros and ones with Wilson's interval."""
    estimate = mean_estimate(hits, level)
    if not hits:
        return estimate
    test = stats.binomtest(round(sum(hits)), len(hits))
    low, high = test.proportion_ci(level, method="wilson")
    return dataclasses.replace(estimate, low=float(low), high=float(high))
