"""Differences over runs under several master seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from synthmed_jax import best_cells
from synthmed_jax.evaluation.replicates import Declared, Replicate
from synthmed_jax.results.pool import (
    CurvePoint,
    Pool,
    PooledDifference,
    PooledRun,
    SeedDifference,
)
from synthmed_jax.statistics.group_bootstrap import DRAWS
from synthmed_jax.statistics.intervals import LEVEL
from synthmed_jax.statistics.multiple import adjust_by_holm
from synthmed_jax.statistics.paired import mean_recall
from synthmed_jax.statistics.two_level import two_level_estimate

# Fewer seeds say next to nothing about other seeds: the interval of two is 13 times as wide as
# their standard error.
LEAST_SEEDS = 3
_SEED = 0  # of the draws


def pool_replicates(
    replicates: Sequence[Replicate], development: Collection[int], draws: int = DRAWS
) -> Pool:
    """Puts runs together, those of each share of real images among themselves.

    Args:
      replicates: comparable ones (`replicates.check_comparable`), in any order.
      development: values of config.seed that are left out of what is said over seeds.
      draws: of test images.
    """
    ordered = sorted(replicates, key=lambda each: (each.fraction, each.seed))
    fractions = sorted({each.fraction for each in ordered})
    first = ordered[0]
    differences = [
        _pool_difference(each.name, of_fraction, development, draws)
        for fraction in fractions
        for of_fraction in [[r for r in ordered if r.fraction == fraction]]
        for each in first.declared
    ]
    return Pool(
        dataset=first.evaluation.dataset,
        class_names=first.evaluation.class_names,
        least_seeds=LEAST_SEEDS,
        runs=tuple(
            PooledRun(
                str(each.root),
                each.seed,
                each.fraction,
                each.seed in development,
                each.evaluation.num_test,
            )
            for each in ordered
        ),
        differences=_with_claims(differences),
        curve=_curve(ordered, development),
    )


def _pool_difference(
    name: str, replicates: Sequence[Replicate], development: Collection[int], draws: int
) -> PooledDifference:
    declared = {each.seed: _named(each, name) for each in replicates}
    counted = [each for each in replicates if each.seed not in development]
    pooled = None
    if len(counted) > 1:
        sums = sums_by_unit([(each, declared[each.seed]) for each in counted])
        pooled = two_level_estimate(sums, mean_recall, _SEED, draws)
    some = next(iter(declared.values()))
    return PooledDifference(
        name=name,
        fraction=replicates[0].fraction,
        threshold=some.threshold,
        unit="group" if any(each.unit == "group" for each in declared.values()) else "image",
        of_seeds=tuple(
            SeedDifference(seed, seed in development, each.estimate, each.low, each.high)
            for seed, each in declared.items()
        ),
        pooled=pooled,
        p=None if pooled is None else pooled.p_not_above(some.threshold),
        p_adjusted=None,
        is_shown=None,
    )


def _named(replicate: Replicate, name: str) -> Declared:
    return next(each for each in replicate.declared if each.name == name)


def _with_claims(differences: Sequence[PooledDifference]) -> tuple[PooledDifference, ...]:
    """Adjusts the p values of those that have one, and says what they show."""
    tested = [each for each in differences if each.p is not None]
    adjusted = iter(adjust_by_holm([each.p for each in tested if each.p is not None]))
    claimed = []
    for each in differences:
        if each.p is None or each.pooled is None:
            claimed.append(each)
            continue
        p = next(adjusted)
        # One-sided, as the lower end of a two-sided interval.
        is_shown = p <= (1 - LEVEL) / 2 if each.pooled.num_seeds >= LEAST_SEEDS else None
        claimed.append(dataclasses.replace(each, p_adjusted=p, is_shown=is_shown))
    return tuple(claimed)


def sums_by_unit(runs: Sequence[tuple[Replicate, Declared]]) -> list[np.ndarray]:
    """Returns the sums f64[G,2K] that `paired.mean_recall` takes, of each run, by unit of images.

    A unit is what is drawn together: images that are of one group in any of the runs, else one
    image. Row g is the same unit in all runs. K classes, of which all may not occur in each.
    """
    class_names = runs[0][0].evaluation.class_names
    units = units_of([replicate for replicate, _ in runs])
    num_units = 1 + max(int(each.max()) for each in units)
    sums = []
    for (replicate, declared), unit in zip(runs, units, strict=True):
        hits = replicate.hits.of_cells
        labels = [class_names.index(name) for name in replicate.hits.classes]
        one_hot = np.eye(len(class_names))[labels]
        gained = one_hot * (hits[declared.first] - hits[declared.second])[:, None]
        of_run = np.zeros((num_units, 2 * len(class_names)))
        np.add.at(of_run, unit, np.concatenate([gained, one_hot], axis=1))
        sums.append(of_run)
    return sums


def units_of(replicates: Sequence[Replicate]) -> list[np.ndarray]:
    """Returns the unit i64[N] of each test image of each run; numbers agree between the runs."""
    index_of: dict[str, int] = {}
    links: list[tuple[int, int]] = []
    for each in replicates:
        first_of: dict[int, int] = {}
        for i, file in enumerate(each.hits.files):
            node = index_of.setdefault(file, len(index_of))
            group = i if each.groups is None else int(each.groups[i])
            links.append((first_of.setdefault(group, node), node))
    one, other = np.array(links).T
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(len(index_of), len(index_of)))
    _, unit = connected_components(graph, directed=False)
    return [unit[[index_of[file] for file in each.hits.files]] for each in replicates]


def _curve(replicates: Sequence[Replicate], development: Collection[int]) -> tuple[CurvePoint, ...]:
    points = []
    for fraction in dict.fromkeys(each.fraction for each in replicates):
        here = [each for each in replicates if each.fraction == fraction]
        runs = [each for each in here if each.seed not in development] or here
        chosen = [best_cells.headline(each.evaluation.cells) for each in runs]
        for arm in chosen[0]:
            scores = tuple(of_run[arm].mean.balanced_accuracy for of_run in chosen)
            seeds = tuple(each.seed for each in runs)
            points.append(CurvePoint(fraction, arm, seeds, scores, float(np.mean(scores))))
    return tuple(points)
