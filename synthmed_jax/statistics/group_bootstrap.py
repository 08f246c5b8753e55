"""Bootstrap over groups: images of one patient are drawn together or not at all.

A statistic is a function of sums over the images, so that a draw of groups needs the groups' sums
alone. Groups with equal sums are counted, not drawn one by one: their numbers in a draw are
multinomial, which is the same bootstrap in a fraction of the time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from synthmed_jax.statistics.intervals import LEVEL, Interval, accuracy_interval

DRAWS = 10_000
POWER = 0.8
_NUMBERS = 4_000_000  # of one block of draws, so that memory stays small

# Sums f64[B,F] of B draws -> the statistic of each, f64[B].
Statistic = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class GroupEstimate:
    """An estimate with its interval over groups.

    Attributes:
      estimate: from all images.
      low, high: ends of the interval.
      level: its confidence, between 0 and 1.
      standard_error: standard deviation of the statistic over draws.
      num_groups: that were drawn from; groups of one image each where there are no others.
      detectable: the smallest true difference from 0 that a two-sided test at 1 - level would have
        found in 80 % of such test sets.
    """

    estimate: float
    low: float
    high: float
    level: float
    standard_error: float
    num_groups: int
    detectable: float

    def is_above(self, number: float) -> bool:
        """Whether the whole interval lies above a number."""
        return self.low > number


def sums_of_groups(values: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Sums f64[G,F] of the rows of f[N,F] over each group.

    Args:
      groups: i[N], any numbers, equal within a group; None: every image is a group.

    Raises:
      ValueError: another number of groups than of rows.
    """
    if groups is None:
        return np.asarray(values, np.float64)
    if groups.shape != values.shape[:1]:
        raise ValueError(f"{len(values)} images with groups {groups.shape}")
    _, index = np.unique(groups, return_inverse=True)
    sums = np.zeros((index.max(initial=-1) + 1, values.shape[1]))
    np.add.at(sums, index, values)
    return sums


def bootstrap(
    sums: np.ndarray,
    statistic: Statistic,
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> GroupEstimate:
    """Percentile interval over groups, expanded as Student's is against the normal one.

    Percentiles of a bootstrap are too narrow by sqrt((G-1)/G) and by the normal in place of
    Student's quantile; Hesterberg (2015, The American Statistician 69:371, section 3.3) asks for
    the percentile Phi(-sqrt(G/(G-1)) t(G-1)) instead.

    Args:
      sums: f64[G,F] of `sums_of_groups`, two groups or more.
      statistic: of sums over the groups of each draw.
      seed: of the draws.

    Raises:
      ValueError: fewer than two groups, or a statistic that is not finite.
    """
    num_groups = len(sums)
    if num_groups < 2:
        raise ValueError(f"an interval over groups takes 2 groups or more, got {num_groups}")
    estimate = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    rows, counts = np.unique(sums, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    block = max(1, _NUMBERS // len(rows))
    drawn = np.concatenate(
        [
            statistic(rng.multinomial(num_groups, counts / num_groups, min(block, left)) @ rows)
            for left in range(draws, 0, -block)
        ]
    )
    if not np.isfinite(drawn).all() or not math.isfinite(estimate):
        raise ValueError("the statistic is not finite in a draw of groups")
    freedom = num_groups - 1
    widened = math.sqrt(num_groups / freedom) * stats.t.ppf((1 + level) / 2, freedom)
    tail = float(stats.norm.cdf(-widened))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    error = float(drawn.std(ddof=1)) * math.sqrt(num_groups / freedom)
    return GroupEstimate(
        estimate,
        float(low),
        float(high),
        level,
        error,
        num_groups,
        detectable_difference(error, freedom, level),
    )


def accuracy_interval_over_groups(
    hits: np.ndarray, groups: np.ndarray, seed: int, level: float = LEVEL
) -> Interval:
    """Interval of a mean accuracy over trainings, where images of a group are alike.

    No narrower than Wilson's, as of independent images: of answers that are all right a bootstrap
    knows no spread.

    Args:
      hits: f64[N], share of the trainings that are right on each image.
      groups: i[N], two groups or more.
      seed: of the draws.

    Raises:
      ValueError: as of `bootstrap`.
    """
    sums = sums_of_groups(np.stack([hits, np.ones(len(hits))], axis=1), groups)
    found = bootstrap(sums, lambda drawn: drawn[:, 0] / drawn[:, 1], seed, level=level)
    alone = accuracy_interval(found.estimate, len(hits), level)
    method = f"bootstrap of the mean over trainings, {len(hits)} images in {len(sums)} groups"
    return Interval(min(found.low, alone.low), max(found.high, alone.high), level, method)


def p_above(estimate: GroupEstimate, limit: float) -> float:
    """P value, one-sided, of the true value being at a limit or below it.

    By Student's t with groups less one degrees of freedom, as the interval is; 0 or 1 where all
    draws agree.
    """
    distance = estimate.estimate - limit
    if estimate.standard_error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stats.t.sf(distance / estimate.standard_error, estimate.num_groups - 1))


def detectable_difference(
    standard_error: float, freedom: int, level: float = LEVEL, power: float = POWER
) -> float:
    """The smallest true difference that a two-sided test finds with this power.

    (t(1 - (1-level)/2) + t(power)) times the standard error.

    Args:
      standard_error: of the estimated difference.
      freedom: degrees of freedom, groups less one.
      power: chance of finding it, between 0 and 1.
    """
    found = stats.t.ppf((1 + level) / 2, freedom) + stats.t.ppf(power, freedom)
    return float(found) * standard_error
