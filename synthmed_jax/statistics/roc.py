"""The area under a ROC curve and hit rates at few false alarms, with intervals over groups.

The first set is the one that scores should be high in; images of one group (a patient, or copies of
each other) are no independent witnesses. No group has images in both sets.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy import optimize, stats

from synthmed_jax.statistics.group_bootstrap import detectable_difference
from synthmed_jax.statistics.intervals import LEVEL

CHANCE = 0.5  # the area of a score that tells nothing


@dataclasses.dataclass(frozen=True)
class AreaEstimate:
    """The chance that a score of the first set is above one of the second; ties count half.

    Attributes:
      value: 0 to 1; 0.5 where scores tell nothing.
      low, high: ends of the interval.
      level: its confidence, between 0 and 1.
      standard_error: DeLong's, over groups.
      num_groups: of the first and of the second set.
      detectable: the smallest true area above 0.5 that would have been found (its interval above
        0.5) in 80 % of such sets; 1 at most.
    """

    value: float
    low: float
    high: float
    level: float
    standard_error: float
    num_groups: tuple[int, int]
    detectable: float

    @property
    def covers_chance(self) -> bool:
        """Whether the interval holds 0.5."""
        return self.low <= CHANCE <= self.high


@dataclasses.dataclass(frozen=True)
class HitRate:
    """How many of the first set are found when few of the second may be.

    Attributes:
      allowed: share of false alarms that is allowed, between 0 and 1.
      false_alarms: of the second set that are above the threshold.
      hits: of the first set that are.
      share: hits over the number of the first set.
      low, high: ends of the exact interval (Clopper & Pearson, 1934) of the share at this
        threshold, of independent scores; that another second set would give another threshold is no
        part of it.
    """

    allowed: float
    false_alarms: int
    hits: int
    share: float
    low: float
    high: float


def rank_area(first: np.ndarray, second: np.ndarray) -> float:
    """Chance that a score f[N] is above one f[M]; ties count half. N and M are 1 or more."""
    rank = stats.rankdata(np.concatenate([first, second]))[: len(first)].sum()
    return float((rank / len(first) - (len(first) + 1) / 2) / len(second))


def newcombe_interval(area: float, n: float, m: float, level: float = LEVEL) -> tuple[float, float]:
    """Interval of an area from n and m independent scores (Newcombe, 2006, method 5).

    It is not empty at an area of 1 either.
    """
    low, beyond = (_lower_end(each, n, m, level) for each in (area, 1 - area))
    return low, 1 - beyond


def _lower_end(area: float, n: float, m: float, level: float) -> float:
    """Of the interval; the upper end is that of 1 - area, mirrored."""
    z = float(stats.norm.ppf((1 + level) / 2))
    between = (n + m) / 2 - 1

    def beyond(true: float) -> float:
        """How much further `area` is from the true area than the interval lets it be; squared."""
        of_pairs = 1 + between * ((1 - true) / (2 - true) + true / (1 + true))
        return (area - true) ** 2 - z**2 * true * (1 - true) * of_pairs / (n * m)

    # Just below an area of 1, which solves the equation itself.
    return 0.0 if area <= 0 else float(optimize.brentq(beyond, 0, area * (1 - 1e-9)))


def estimate_area(
    first: np.ndarray,
    second: np.ndarray,
    first_groups: np.ndarray | None = None,
    second_groups: np.ndarray | None = None,
    level: float = LEVEL,
) -> AreaEstimate:
    """Estimates the area under the ROC curve.

    The standard error is that of DeLong et al. (1988), summed over groups as by Obuchowski (1997,
    eq. 4). The interval is the wider one, end by end, of Student's with it and of Newcombe's for as
    many independent scores as there are groups: the former is empty where scores never cross, the
    latter knows nothing of how alike a group's scores are.

    Args:
      first, second: finite scores f[N] and f[M] of two groups or more each.
      first_groups, second_groups: i[N] and i[M]; None: every score is a group.
      level: confidence of the interval.

    Raises:
      ValueError: fewer than two groups in a set, or a score that is not finite.
    """
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a score is not finite")
    area = rank_area(first, second)
    # Of each score, the share of the other set that it is on the right side of.
    of_first = _share_below(first, second)
    of_second = 1 - _share_below(second, first)
    parts = [
        _variance_of_mean(of_first - area, first_groups),
        _variance_of_mean(of_second - area, second_groups),
    ]
    error = math.sqrt(sum(variance for variance, _ in parts))
    groups = (parts[0][1], parts[1][1])
    freedom = sum(groups) - 2
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    low, high = newcombe_interval(area, *groups, level)
    null_error = math.sqrt((sum(groups) + 1) / (12 * groups[0] * groups[1]))
    smallest = CHANCE + detectable_difference(max(error, null_error), freedom, level)
    return AreaEstimate(
        area,
        max(0.0, min(low, area - half)),
        min(1.0, max(high, area + half)),
        level,
        error,
        groups,
        min(1.0, smallest),
    )


def p_above_chance(of: AreaEstimate) -> float:
    """P value, one-sided, of the true area being 0.5 or below, by Student's t.

    Scores that never cross have no spread: they are given that of scores which tell nothing.
    """
    n, m = of.num_groups
    error = of.standard_error or math.sqrt((n + m + 1) / (12 * n * m))
    return float(stats.t.sf((of.value - CHANCE) / error, n + m - 2))


def hit_rate(
    first: np.ndarray, second: np.ndarray, allowed: float, level: float = LEVEL
) -> HitRate:
    """Returns how many of the first set lie above all but the allowed share of the second.

    The threshold is the highest score f[M] of the second set that must not be passed: allowed * M
    of them, rounded down, lie above it, or fewer where scores are equal.

    Raises:
      ValueError: an empty set, or `allowed` out of 0 to 1.
    """
    if not len(first) or not len(second) or not 0 <= allowed < 1:
        raise ValueError(f"hits of {len(first)} at {allowed} of {len(second)}")
    # Rounding must not make 0.05 * 20 less than 1.
    permitted = math.floor(allowed * len(second) + 1e-9)
    threshold = np.sort(second)[len(second) - 1 - permitted]
    hits = int((first > threshold).sum())
    interval = stats.binomtest(hits, len(first)).proportion_ci(level, method="exact")
    return HitRate(
        allowed,
        int((second > threshold).sum()),
        hits,
        hits / len(first),
        float(interval.low),
        float(interval.high),
    )


def curve(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the second and of the first set at or above each threshold, f64[K] from 0 to 1."""
    a, b = np.sort(first), np.sort(second)
    thresholds = np.unique(np.concatenate([a, b]))[::-1]
    shares = [
        np.append(0.0, (len(each) - np.searchsorted(each, thresholds, "left")) / len(each))
        for each in (b, a)
    ]
    return shares[0], shares[1]


def _share_below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share f64[N] of the others that each score is above; equal ones count half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return np.asarray(below / (2 * len(others)), np.float64)


def _variance_of_mean(deviations: np.ndarray, groups: np.ndarray | None) -> tuple[float, int]:
    """Variance of the mean of f64[N] that is 0 on average, and the number of groups."""
    if groups is not None:
        _, index = np.unique(groups, return_inverse=True)
        sums = np.bincount(index, weights=deviations)
    else:
        sums = deviations
    if len(sums) < 2:
        raise ValueError(f"an interval over groups takes 2 groups or more, got {len(sums)}")
    of_mean = len(sums) / (len(sums) - 1) * float(np.square(sums).sum()) / len(deviations) ** 2
    return of_mean, len(sums)
