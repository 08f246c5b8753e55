"""The arms against the real one, on the same test images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from synthmed_jax import verdicts
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellDifference, CellScores
from synthmed_jax.statistics.intervals import Estimate
from synthmed_jax.statistics.multiple import adjust_by_holm, corrected_estimate
from synthmed_jax.statistics.paired import balanced_difference, permutation_test


def compare_arms(
    cells: Sequence[CellScores],
    hits: Mapping[Cell, np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray | None,
    margin: float,
    seed: int,
) -> tuple[CellDifference, ...]:
    """Compares each arm's cell that the report shows first with that of the real arm.

    Args:
      hits: cell -> f[N] in [0, 1], the share of its networks that are right on each test image.
      labels: i[N].
      groups: i64[N], two or more in all, which then are the units; None: images are.
      margin: see `CellDifference`.
      seed: of the draws.

    Returns nothing where no real cell was tested.
    """
    chosen = verdicts.headline_cells(cells)
    real = chosen.pop(verdicts.REAL, None)
    if real is None:
        return ()
    found = []
    for other in chosen.values():
        pair = (hits[other.cell], hits[real.cell], labels, groups, seed)
        found.append(
            CellDifference(
                first=other.cell,
                second=real.cell,
                difference=balanced_difference(*pair),
                unit="image" if groups is None else "group",
                p=permutation_test(*pair),
                p_adjusted=1.0,
                margin=margin,
                over_folds=_over_folds(other, real),
            )
        )
    adjusted = adjust_by_holm([each.p for each in found])
    return tuple(
        dataclasses.replace(each, p_adjusted=p) for each, p in zip(found, adjusted, strict=True)
    )


def _over_folds(first: CellScores, second: CellScores) -> Estimate | None:
    """The differences of k folds; one in k images is left out of each training."""
    k = len(first.folds)
    if k != len(second.folds):
        return None
    pairs = zip(first.folds, second.folds, strict=True)
    return corrected_estimate(
        [a.balanced_accuracy - b.balanced_accuracy for a, b in pairs],
        left_out=1 / max(1, k - 1),
    )
