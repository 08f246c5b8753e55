"""Frechet distance with an interval, where there are enough images for one."""

from __future__ import annotations

import numpy as np
from scipy import stats

from synthmed_jax.evaluation import frechet
from synthmed_jax.results.audit import Measured
from synthmed_jax.statistics.intervals import LEVEL

IMAGES_PER_FEATURE = 10  # with fewer, chance adds too much to the distance
_PARTS = 10  # that are left out in turn


def frechet_distance(first: np.ndarray, second: np.ndarray, seed: int) -> Measured:
    """Frechet distance, with an interval by the jackknife over ten random parts of both sets.

    It is never 0 between two finite sets of one distribution: compare it with that of real images.

    Args:
      first: f[N,D], N at least IMAGES_PER_FEATURE times D.
      second: f[N,D].
      seed: of the parts.
    """
    n = len(first)
    part = np.random.default_rng(seed).permutation(n) % _PARTS
    without = [_distance(first[part != i], second[part != i]) for i in range(_PARTS)]
    value = _distance(first, second)
    spread = np.sqrt((_PARTS - 1) * np.var(without))
    half = float(stats.t.ppf((1 + LEVEL) / 2, _PARTS - 1)) * float(spread)
    return Measured(value, max(0.0, value - half), value + half)


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    return frechet.distance(frechet.moments(first), frechet.moments(second))
