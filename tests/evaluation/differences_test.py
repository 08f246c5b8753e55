import dataclasses
import math

import numpy as np
import pytest

from synthmed_jax.evaluation.differences import compare_arms
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellScores, FoldScores, Scores
from synthmed_jax.statistics.intervals import Interval
from synthmed_jax.statistics.multiple import adjust_by_holm, corrected_estimate

SCORES = Scores(0.1, 0.98, 0.2, 0.97, 0.7, 0.8, 0.81, 0.82, 0.83, 0.84)


def cell_scores(arm, *balanced):
    folds = tuple(
        FoldScores(**dataclasses.asdict(SCORES) | {"balanced_accuracy": b}, fold=k, confusion=())
        for k, b in enumerate(balanced or (0.8,))
    )
    interval = Interval(0.7, 0.9, 0.95, "made up")
    ratio = 0.0 if arm == "real" else math.inf
    return CellScores("resnet18", arm, None, ratio, 0, folds, SCORES, None, interval)


def test_every_arm_is_held_against_the_real_one_and_p_values_are_adjusted_together():
    cells = [cell_scores(arm) for arm in ("synthetic", "real", "mixed")]
    rng = np.random.default_rng(0)
    shares = {"synthetic": 0.7, "real": 0.8, "mixed": 0.86}
    hits = {cell.cell: (rng.random(400) < shares[cell.arm]).astype(float) for cell in cells}
    labels = rng.integers(0, 3, 400)
    found = compare_arms(cells, hits, labels, None, 0.05, seed=1)
    assert [(each.first.arm, each.second.arm) for each in found] == [
        ("synthetic", "real"),
        ("mixed", "real"),
    ]
    assert {(each.unit, each.margin) for each in found} == {("image", 0.05)}
    assert found[0].difference.estimate < 0 < found[1].difference.estimate
    assert [each.p_adjusted for each in found] == pytest.approx(
        adjust_by_holm([each.p for each in found])
    )


def over_folds(synthetic, real):
    cells = [cell_scores("synthetic", *synthetic), cell_scores("real", *real)]
    hits = {cell.cell: np.ones(6) for cell in cells}
    return compare_arms(cells, hits, np.zeros(6, int), None, 0.02, 0)[0].over_folds


def test_folds_that_share_data_have_a_corrected_interval():
    found = over_folds((0.80, 0.84, 0.81), (0.82, 0.83, 0.85))
    differences = [-0.02, 0.01, -0.04]
    expected = dataclasses.asdict(corrected_estimate(differences, left_out=1 / 2))
    assert dataclasses.asdict(found) == pytest.approx(expected)
    assert over_folds((0.8,), (0.9,)).low is None
    assert over_folds((0.8, 0.9), (0.9,)) is None


def test_without_a_real_cell_there_is_nothing_to_compare_with():
    cell = cell_scores("synthetic")
    hits = {cell.cell: np.ones(4)}
    assert compare_arms([cell], hits, np.zeros(4, int), None, 0.02, 0) == ()
    assert Cell("resnet18", "synthetic", None, math.inf, 0) in hits
