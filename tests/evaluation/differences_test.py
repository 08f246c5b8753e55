import dataclasses
import math

import numpy as np
import pytest

from synthmed_jax.evaluation.differences import (
    Answers,
    declared_differences,
    exploratory_differences,
)
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellScores, FoldScores, Scores
from synthmed_jax.statistics.group_bootstrap import p_above
from synthmed_jax.statistics.intervals import Interval, mean_estimate
from synthmed_jax.statistics.multiple import adjust_by_holm, corrected_estimate
from synthmed_jax.verdicts import Answer, judge_estimand

SCORES = Scores(0.1, 0.98, 0.2, 0.97, 0.7, 0.8, 0.81, 0.82, 0.83, 0.84)


def cell_scores(arm, *balanced):
    folds = tuple(
        FoldScores(**dataclasses.asdict(SCORES) | {"balanced_accuracy": b}, fold=k, confusion=())
        for k, b in enumerate(balanced or (0.8,))
    )
    interval = Interval(0.7, 0.9, 0.95, "made up")
    ratio = 0.0 if arm == "real" else math.inf
    return CellScores("resnet18", arm, None, ratio, 0, folds, SCORES, None, interval)


def answers(hits, labels, groups=None, of_folds=False, seed=1):
    return Answers(hits, np.asarray(labels), groups, of_folds, seed)


SHARES = {
    "synthetic": 0.7, "real": 0.8, "real_augmented": 0.81, "mixed_1to1": 0.86, "mixed_1to4": 0.85,
    "synthetic_shuffled": 0.3,
}  # fmt: skip


def drawn(shares=SHARES, count=400, seed=0):
    cells = [cell_scores(arm) for arm in shares]
    rng = np.random.default_rng(seed)
    hits = {cell.cell: (rng.random(count) < shares[cell.arm]).astype(float) for cell in cells}
    return cells, answers(hits, rng.integers(0, 3, count))


def test_every_arm_is_held_against_the_real_one():
    found = exploratory_differences(*drawn())
    assert [each.first.arm for each in found] == [arm for arm in SHARES if arm != "real"]
    assert {(each.second.arm, each.unit) for each in found} == {("real", "image")}
    assert found[0].difference.estimate < 0 < found[2].difference.estimate


def with_loss(cell, loss):
    (fold,) = cell.folds
    return dataclasses.replace(cell, folds=(dataclasses.replace(fold, val_loss=loss),))


def test_two_differences_are_declared_and_validation_chooses_their_arms():
    cells, given = drawn()
    losses = {"real_augmented": 0.1, "mixed_1to4": 0.15}
    cells = [with_loss(cell, losses.get(cell.arm, 0.2)) for cell in cells]
    replace, add = declared_differences(cells, given, 0.05)
    assert (replace.first.arm, replace.second.arm) == ("synthetic", "real_augmented")
    assert (add.first.arm, add.second.arm) == ("mixed_1to4", "real_augmented")
    assert [(each.estimand, each.limit) for each in (replace, add)] == [("D1", -0.05), ("D2", 0.0)]
    assert [each.p_adjusted for each in (replace, add)] == pytest.approx(
        adjust_by_holm([replace.p_above, add.p_above])
    )
    assert replace.p_above == 1  # it is far worse
    cells = [with_loss(cell, 0.05 if cell.arm == "real" else 0.2) for cell in cells]
    replace, add = declared_differences(cells, given, 0.05)
    assert (replace.second.arm, add.second.arm) == ("real", "real_augmented")


def test_an_estimand_whose_arms_were_not_trained_is_not_measured():
    cells, given = drawn({"synthetic": 0.7, "real": 0.8})
    assert [each.estimand for each in declared_differences(cells, given, 0.02)] == ["D1"]
    assert declared_differences(cells[:1], given, 0.02) == ()


def test_p_is_a_twentieth_where_the_lower_end_touches_the_limit():
    cells, given = drawn(count=4000)
    _, add = declared_differences(cells, given, 0.02)
    assert 2 * p_above(add.difference, add.difference.low) == pytest.approx(0.05, abs=0.01)


@pytest.mark.slow
def test_where_nothing_is_added_it_is_seldom_shown():
    """Of 200 runs of 60 patients with eight images each, whose answers share their luck."""
    rng, shown, groups = np.random.default_rng(7), 0, np.repeat(np.arange(60), 8)
    arms = ("synthetic", "real_augmented", "mixed_1to1")
    cells = [cell_scores(arm) for arm in arms]
    labels = np.repeat(rng.integers(0, 3, 60), 8)
    for seed in range(200):
        luck = np.repeat(rng.normal(0, 0.5, (60, 3)), 8, axis=0)
        right = (luck + rng.normal(size=luck.shape) > -0.8).astype(float)
        hits = {cell.cell: right[:, i] for i, cell in enumerate(cells)}
        _, add = declared_differences(cells, answers(hits, labels, groups, seed=seed), 0.02)
        shown += judge_estimand(add) is Answer.SHOWN
    assert shown <= 14


def over_trainings(synthetic, real, of_folds=True):
    cells = [cell_scores("synthetic", *synthetic), cell_scores("real", *real)]
    hits = {cell.cell: np.ones(6) for cell in cells}
    given = answers(hits, np.zeros(6, int), of_folds=of_folds)
    return exploratory_differences(cells, given)[0].over_trainings


def test_trainings_on_all_images_have_students_interval():
    found = over_trainings((0.80, 0.84, 0.81), (0.82, 0.83, 0.85), of_folds=False)
    assert dataclasses.asdict(found) == pytest.approx(
        dataclasses.asdict(mean_estimate([-0.02, 0.01, -0.04]))
    )


def test_folds_that_share_data_have_a_corrected_interval():
    found = over_trainings((0.80, 0.84, 0.81), (0.82, 0.83, 0.85))
    differences = [-0.02, 0.01, -0.04]
    expected = dataclasses.asdict(corrected_estimate(differences, left_out=1 / 2))
    assert dataclasses.asdict(found) == pytest.approx(expected)
    assert over_trainings((0.8,), (0.9,)).low is None
    assert over_trainings((0.8, 0.9), (0.9,)) is None


def test_without_a_real_cell_there_is_nothing_to_compare_with():
    cell = cell_scores("synthetic")
    hits = {cell.cell: np.ones(4)}
    assert exploratory_differences([cell], answers(hits, np.zeros(4, int))) == ()
    assert Cell("resnet18", "synthetic", None, math.inf, 0) in hits
