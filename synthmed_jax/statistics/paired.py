"""Two classifiers on the same images: their difference, and tests of it.

A classifier's `hits` are f[N] in [0, 1]: 1 where it is right on an image, 0 where it is wrong; or
the mean of that over several networks (folds, seeds).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from synthmed_jax.statistics.group_bootstrap import (
    DRAWS,
    GroupEstimate,
    bootstrap,
    sums_of_groups,
)
from synthmed_jax.statistics.intervals import LEVEL

_NUMBERS = 4_000_000  # of one block of draws


def balanced_difference(
    first: np.ndarray,
    second: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None,
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> GroupEstimate:
    """Balanced accuracy of the first classifier minus that of the second, bootstrapped over groups.

    Balanced accuracy is the mean recall of the classes that occur in a draw.

    Args:
      first, second: hits f[N] on the same images.
      labels: i[N], classes of the images; all equal: the difference is of plain accuracies.
      groups: i[N], images of one patient; None: every image is its own.

    Raises:
      ValueError: as `bootstrap`, or arrays of different lengths.
    """
    sums = sums_of_groups(by_class(first, second, labels), groups)
    return bootstrap(sums, mean_recall, seed, draws, level)


def balanced_accuracy_of(
    hits: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None,
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> GroupEstimate:
    """Balanced accuracy of one classifier, with its interval over groups; as the difference."""
    return balanced_difference(hits, np.zeros_like(hits), labels, groups, seed, draws, level)


def permutation_test(
    first: np.ndarray,
    second: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None,
    seed: int,
    draws: int = DRAWS,
) -> float:
    """P value, two-sided, of the difference of balanced accuracies.

    If the classifiers were alike, either could have given the answers of the other in any group:
    groups are swapped at random. The p value counts the data as one draw, so it is never 0 and the
    test holds its level (Phipson & Smyth, 2010).

    Args: as `balanced_difference`.
    """
    values = by_class(first, second, labels)
    classes = values.shape[1] // 2
    per_image = values[:, :classes] / values[:, classes:].sum(axis=0) / classes
    differences = sums_of_groups(per_image.sum(axis=1, keepdims=True), groups)[:, 0]
    observed = abs(differences.sum())
    # Groups of equal size of difference are swapped by number, see group_bootstrap.py.
    sizes, counts = np.unique(np.abs(differences).round(14), return_counts=True)
    rng = np.random.default_rng(seed)
    block = max(1, _NUMBERS // len(sizes))
    reached = 0
    for left in range(draws, 0, -block):
        kept = rng.binomial(counts, 0.5, (min(block, left), len(sizes)))
        drawn = np.abs((2 * kept - counts) @ sizes)
        reached += int((drawn >= observed - 1e-12).sum())
    return (1 + reached) / (1 + draws)


def mcnemar_test(first: np.ndarray, second: np.ndarray) -> float:
    """Exact p value, two-sided, of two single networks' accuracies (McNemar, 1947).

    Images count as independent: where they have groups, `permutation_test` is the one to take.

    Args:
      first, second: b[N], whether each is right.
    """
    only_first = int((first & ~second).sum())
    differing = int((first != second).sum())
    return float(stats.binomtest(only_first, differing).pvalue) if differing else 1.0


def by_class(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """f64[N,2K]: the difference of hits in the image's class, then 1 in it; K classes occur.

    Args: as `balanced_difference`.
    """
    if not first.shape == second.shape == labels.shape or first.ndim != 1:
        raise ValueError(f"no pairs: {first.shape}, {second.shape}, labels {labels.shape}")
    _, index = np.unique(labels, return_inverse=True)
    one_hot = np.eye(index.max(initial=-1) + 1)[index]
    return np.concatenate([one_hot * (first - second)[:, None], one_hot], axis=1)


def mean_recall(sums: np.ndarray) -> np.ndarray:
    """f64[B], balanced accuracies or their differences, of sums f64[B,2K] of `by_class`."""
    differences, counts = np.split(sums, 2, axis=1)
    occurring = counts > 0
    recalls = np.divide(differences, counts, out=np.zeros_like(differences), where=occurring)
    return recalls.sum(axis=1) / occurring.sum(axis=1)
