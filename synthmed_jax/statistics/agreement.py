"""Agreement of rankings and of maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

SPLITS = 50  # of the first sample into halves


@dataclasses.dataclass(frozen=True)
class HalvesAgreement:
    """Rank correlation of the mean maps of two samples, beside what chance makes of halves.

    Attributes:
      all: of the two means.
      real_halves: of the means of two halves of the first sample (real images' maps).
      mixed_halves: of a half of the first and a half of the second.
      half: maps per half.
    """

    all: float
    real_halves: float
    mixed_halves: float
    half: int


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two f[N]; 0 where one of them does not vary."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(stats.spearmanr(a, b).statistic)


def mean_map_agreement(
    real: Sequence[np.ndarray], synthetic: Sequence[np.ndarray], seed: int
) -> HalvesAgreement | None:
    """Rank correlation of the mean maps of real and of synthetic images.

    Beside it the same for halves of the real images, and for a half of either kind: what two sets
    of one kind have to do with each other at that n.

    Args:
      real, synthetic: maps f64[M,M], one per image.
      seed: of the halves.

    Returns None where a side has fewer than two images.
    """
    if min(len(real), len(synthetic)) < 2:
        return None
    rng, half = np.random.default_rng(seed), min(len(real), len(synthetic)) // 2
    of_real, of_synthetic = np.array(real), np.array(synthetic)

    def agreement(a: np.ndarray, b: np.ndarray) -> float:
        return rank_correlation(a.mean(axis=0).ravel(), b.mean(axis=0).ravel())

    within, between = [], []
    for _ in range(SPLITS):
        order = rng.permutation(len(of_real))
        first, second = of_real[order[:half]], of_real[order[half : 2 * half]]
        within.append(agreement(first, second))
        between.append(agreement(first, of_synthetic[rng.permutation(len(of_synthetic))[:half]]))
    return HalvesAgreement(
        agreement(of_real, of_synthetic), float(np.mean(within)), float(np.mean(between)), half
    )
