"""Arms against each other on the same test images: the declared differences, and others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from synthmed_jax import best_cells
from synthmed_jax.estimands import ESTIMANDS
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellDifference, CellScores, DeclaredDifference
from synthmed_jax.statistics.group_bootstrap import p_above
from synthmed_jax.statistics.intervals import Estimate, mean_estimate
from synthmed_jax.statistics.multiple import adjust_by_holm, corrected_estimate
from synthmed_jax.statistics.paired import balanced_difference, permutation_test


@dataclasses.dataclass(frozen=True)
class Answers:
    """What networks answered on the N test images.

    Attributes:
      hits: cell -> f[N] in [0, 1], the share of its networks that are right on each image.
      labels: i[N].
      groups: i64[N], two or more in all, which then are the units; None: images are.
      of_folds: whether trainings are folds of one training set, which share data.
      seed: of the draws behind intervals.
    """

    hits: Mapping[Cell, np.ndarray]
    labels: np.ndarray
    groups: np.ndarray | None
    of_folds: bool
    seed: int


def declared_differences(
    cells: Sequence[CellScores], answers: Answers, margin: float
) -> tuple[DeclaredDifference, ...]:
    """Measures the estimands whose arms were trained; Holm's adjustment is for these alone.

    Args:
      margin: `config.evaluate.margin`.
    """
    chosen, found = best_cells.headline(cells), []
    for estimand in ESTIMANDS:
        first, second = (
            best_cells.of_arms(chosen, arms) for arms in (estimand.first, estimand.second)
        )
        if first is None or second is None:
            continue
        plain = _compare(first, second, answers)
        limit = estimand.limit(margin)
        found.append(
            DeclaredDifference(
                **{f.name: getattr(plain, f.name) for f in dataclasses.fields(plain)},
                estimand=estimand.name,
                limit=limit,
                p_above=min(1.0, 2 * p_above(plain.difference, limit)),
                p_adjusted=1.0,
            )
        )
    adjusted = adjust_by_holm([each.p_above for each in found])
    return tuple(
        dataclasses.replace(each, p_adjusted=p) for each, p in zip(found, adjusted, strict=True)
    )


def exploratory_differences(
    cells: Sequence[CellScores], answers: Answers
) -> tuple[CellDifference, ...]:
    """Compares each arm's cell that the report shows first with that of the real arm.

    Returns nothing where no real cell was tested.
    """
    chosen = best_cells.headline(cells)
    real = chosen.pop(best_cells.REAL, None)
    if real is None:
        return ()
    return tuple(_compare(other, real, answers) for other in chosen.values())


def _compare(first: CellScores, second: CellScores, answers: Answers) -> CellDifference:
    hits = (answers.hits[first.cell], answers.hits[second.cell])
    pair = (*hits, answers.labels, answers.groups, answers.seed)
    return CellDifference(
        first=first.cell,
        second=second.cell,
        difference=balanced_difference(*pair),
        unit="image" if answers.groups is None else "group",
        p=permutation_test(*pair),
        over_trainings=_over_trainings(first, second, answers.of_folds),
    )


def _over_trainings(first: CellScores, second: CellScores, of_folds: bool) -> Estimate | None:
    """The differences of k trainings; of k folds, one image in k is left out of each."""
    k = len(first.folds)
    if k != len(second.folds):
        return None
    pairs = zip(first.folds, second.folds, strict=True)
    differences = [a.balanced_accuracy - b.balanced_accuracy for a, b in pairs]
    if not of_folds:
        return mean_estimate(differences)
    return corrected_estimate(differences, left_out=1 / max(1, k - 1))
