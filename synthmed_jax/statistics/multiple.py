"""Several tests, or several trainings on overlapping data: what has to be corrected."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from synthmed_jax.statistics.intervals import LEVEL, Estimate, mean_estimate


def adjust_by_holm(p: Sequence[float]) -> list[float]:
    """Returns p values adjusted so that the chance of any false finding is kept (Holm, 1979).

    The i-th smallest of m is multiplied by m - i + 1, and none is below a smaller one.
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return adjusted.tolist()


def corrected_estimate(
    differences: Sequence[float], left_out: float, level: float = LEVEL
) -> Estimate:
    """Mean of differences over trainings whose data overlap (Nadeau & Bengio, 2003).

    Trainings that share data vary too little: the variance of the mean is (1/k + q) s^2, with q the
    images left out over the images trained on, and s the standard deviation over k trainings.

    Args:
      differences: of two classifiers, one per training.
      left_out: q; 1 / (k - 1) in a k-fold cross-validation.

    Returns the mean with Student's interval; what needs two or more values is None.
    """
    estimate = mean_estimate(differences, level)
    if estimate.mean is None or estimate.std is None:
        return estimate
    error = estimate.std * math.sqrt(1 / estimate.n + left_out)
    half = float(stats.t.ppf((1 + level) / 2, estimate.n - 1)) * error
    return dataclasses.replace(estimate, low=estimate.mean - half, high=estimate.mean + half)
