"""Kernel distance of two sets of features (KID: Binkowski et al., 2018), without bias.

It is an estimate of the squared maximum mean discrepancy (Gretton et al., 2012): 0 on average where
both sets are drawn from one distribution, whatever their size, and so sometimes below 0.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from synthmed_jax.results.audit import Measured
from synthmed_jax.statistics.intervals import LEVEL
from synthmed_jax.statistics.kernel_distance import polynomial_kernel


def kernel_distance(first: np.ndarray, second: np.ndarray) -> Measured:
    """The unbiased estimate, with an interval by the jackknife over images.

    Where the sets hardly differ, the jackknife may find no spread at all. The interval is therefore
    never narrower than what the sampling of pairs of images makes of two sets of one distribution
    (the second term of a U-statistic's variance: Gretton et al., 2012, appendix; Serfling, 1980).

    Args:
      first: f[N,D], N > 2.
      second: f[N,D], as many.

    Raises:
      ValueError: other numbers of images.
    """
    n = len(first)
    if n < 3 or len(second) != n:
        raise ValueError(f"kernel distance of {n} and {len(second)} images")
    within_first, within_second = _within(first), _within(second)
    between = polynomial_kernel(first, second)
    within = within_first.sum() + within_second.sum()
    value = within / (n * (n - 1)) - 2 * between.mean()
    # The same without the i-th image of each set, for all i at once, from sums of rows.
    rows = 2 * (within_first.sum(axis=1) + within_second.sum(axis=1))
    crossed = between.sum(axis=0) + between.sum(axis=1) - np.diagonal(between)
    without = (within - rows) / ((n - 1) * (n - 2)) - 2 * (between.sum() - crossed) / (n - 1) ** 2
    of_pairs = within_first + within_second - between - between.T
    chance = np.var(of_pairs[~np.eye(n, dtype=bool)])
    spread = np.sqrt(max((n - 1) * np.var(without), 2 * chance / (n * (n - 1))))
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * spread
    return Measured(float(value), float(value - half), float(value + half))


def _within(features: np.ndarray) -> np.ndarray:
    """Kernel f64[N,N] of one set, without that of an image and itself."""
    kernel = polynomial_kernel(features, features)
    np.fill_diagonal(kernel, 0)
    return kernel
