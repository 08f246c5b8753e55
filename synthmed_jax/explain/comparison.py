"""Do networks look at real and at synthetic images alike? Two-sample tests, and mean maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from synthmed_jax.explain.scores import rank_correlation

MAP_CELLS = 8  # of a side of the coarse maps that are compared
SPLITS = 50  # of the real maps into halves, which say how alike real ones are to each other


def interval_of_mean(values: Sequence[float], level: float = 0.95) -> dict[str, Any]:
    """n, mean, standard deviation and Student's interval of the mean; what needs n > 1 is None."""
    n = len(values)
    if not n:
        return {"n": 0, "mean": None, "std": None, "low": None, "high": None}
    mean = float(np.mean(values))
    if n == 1:
        return {"n": 1, "mean": mean, "std": None, "low": None, "high": None}
    std = float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * std / n**0.5
    return {"n": n, "mean": mean, "std": std, "low": mean - half, "high": mean + half}


def interval_of_share(hits: Sequence[float], level: float = 0.95) -> dict[str, Any]:
    """`interval_of_mean` of zeros and ones, with Wilson's score interval (1927)."""
    found = interval_of_mean(hits)
    if hits:
        test = stats.binomtest(round(sum(hits)), len(hits))
        low, high = test.proportion_ci(level, method="wilson")
        found |= {"low": float(low), "high": float(high)}
    return found


def two_sample_tests(
    real: Mapping[str, Mapping[str, Sequence[float]]],
    synthetic: Mapping[str, Mapping[str, Sequence[float]]],
) -> list[dict[str, Any]]:
    """Compares each number of each class between real and synthetic images.

    Args:
      real, synthetic: class -> number's name -> a value an image.

    Returns one row each: class, number, both n and means, "superiority" (the chance that a random
    synthetic image has the larger value, ties halved; 0.5: no difference), Mann and Whitney's
    two-sided "p", and "q", p adjusted over all rows for the false discovery rate (Benjamini &
    Hochberg, 1995). Rows with fewer than two values on a side are left out.
    """
    rows: list[dict[str, Any]] = []
    for name, numbers in real.items():
        for number, ours in numbers.items():
            theirs = synthetic.get(name, {}).get(number, [])
            if min(len(ours), len(theirs)) < 2:
                continue
            test = stats.mannwhitneyu(theirs, ours, alternative="two-sided")
            rows.append(
                {
                    "class": name,
                    "number": number,
                    "n_real": len(ours),
                    "n_synthetic": len(theirs),
                    "mean_real": float(np.mean(ours)),
                    "mean_synthetic": float(np.mean(theirs)),
                    "superiority": float(test.statistic) / (len(ours) * len(theirs)),
                    "p": float(test.pvalue),
                }
            )
    if rows:
        adjusted = stats.false_discovery_control([row["p"] for row in rows])
        for row, q in zip(rows, adjusted, strict=True):
            row["q"] = float(q)
    return rows


def coarse(heat: np.ndarray) -> np.ndarray:
    """Sums of f64[S,S] over MAP_CELLS x MAP_CELLS cells (fewer where S is smaller)."""
    size = len(heat)
    cells = min(MAP_CELLS, size)
    cell = np.arange(size) * cells // size
    summed = np.zeros((cells, cells))
    np.add.at(summed, (cell[:, None], cell[None, :]), heat)
    return summed


def same_places(real: Sequence[np.ndarray], synthetic: Sequence[np.ndarray], seed: int) -> Any:
    """Rank correlation of the mean importance maps of real and of synthetic images of one class.

    Beside it the same for halves of the real images and for a half of either kind: what two sets of
    one kind have to do with each other at that n.

    Args:
      real, synthetic: coarse maps f64[M,M], one an image.
      seed: of the halves.

    Returns {"all", "real_halves", "mixed_halves"}, None where a side has fewer than two images.
    """
    if min(len(real), len(synthetic)) < 2:
        return None
    rng, half = np.random.default_rng(seed), min(len(real), len(synthetic)) // 2
    own, other = np.array(real), np.array(synthetic)

    def agreement(a: np.ndarray, b: np.ndarray) -> float:
        return rank_correlation(a.mean(axis=0).ravel(), b.mean(axis=0).ravel())

    within, between = [], []
    for _ in range(SPLITS):
        order = rng.permutation(len(own))
        first, second = own[order[:half]], own[order[half : 2 * half]]
        within.append(agreement(first, second))
        between.append(agreement(first, other[rng.permutation(len(other))[:half]]))
    return {
        "all": agreement(own, other),
        "real_halves": float(np.mean(within)),
        "mixed_halves": float(np.mean(between)),
        "half": half,
    }
