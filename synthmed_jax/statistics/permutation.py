"""A test of two means by exchanging whole groups between the two sets."""

from __future__ import annotations

import numpy as np

PERMUTATIONS = 9999
_NUMBERS = 4_000_000  # of one block of permutations, so that memory stays small


def p_lower_mean(
    first: np.ndarray,
    second: np.ndarray,
    first_groups: np.ndarray | None,
    second_groups: np.ndarray | None,
    seed: int,
    permutations: int = PERMUTATIONS,
) -> float:
    """P value, one-sided, of the first set's mean being no lower than the second's.

    In each permutation other groups make up the first set, as many as before. The set itself
    counts as one of the permutations, so that p is never 0 (Phipson & Smyth, 2010).

    Args:
      first, second: values f[N] and f[M], one or more each.
      first_groups, second_groups: i[N] and i[M], no number in both; None: every value is a group.
      seed: of the permutations.
    """
    (sums, counts), (other_sums, other_counts) = (
        _of_groups(first, first_groups),
        _of_groups(second, second_groups),
    )
    of_first = len(sums)
    sums, counts = np.concatenate([sums, other_sums]), np.concatenate([counts, other_counts])
    observed = float(np.mean(first) - np.mean(second))
    # Equal differences must count as equal, though they are summed in another order.
    tolerance = 1e-12 * float(np.abs(sums).sum() / counts.sum())
    rng, lower = np.random.default_rng(seed), 0
    block = max(1, _NUMBERS // len(sums))
    for left in range(permutations, 0, -block):
        drawn = np.argsort(rng.random((min(block, left), len(sums))), axis=1)[:, :of_first]
        total, number = sums[drawn].sum(axis=1), counts[drawn].sum(axis=1)
        differences = total / number - (sums.sum() - total) / (counts.sum() - number)
        lower += int((differences <= observed + tolerance).sum())
    return (lower + 1) / (permutations + 1)


def _of_groups(values: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if groups is None:
        return np.asarray(values, np.float64), np.ones(len(values))
    _, index = np.unique(groups, return_inverse=True)
    return np.bincount(index, weights=values), np.bincount(index).astype(np.float64)
