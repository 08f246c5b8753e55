import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from synthmed_jax.audit.two_sample import (
    auroc,
    forest_auroc,
    forest_scores,
    network_auroc,
)


def images(n, seed, shift=0):
    made = np.random.default_rng(seed).normal(120 + shift, 30, (n, 16, 16, 1))
    return np.clip(made, 0, 255).astype(np.uint8)


def flat(x):
    return x.reshape(len(x), -1)


def test_the_area_is_scikit_learns_with_ties():
    rng = np.random.default_rng(0)
    first, second = rng.integers(2, 9, 30) / 10, rng.integers(0, 7, 50) / 10
    expected = roc_auc_score(np.repeat([1, 0], [30, 50]), np.concatenate([first, second]))
    found = auroc(first, second)
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("shift", "area"), [(0.0, 0.5), (1.0, 0.7602)])
def test_its_interval_holds_the_true_area(shift, area):
    """Two normal distributions, `shift` deviations apart: the area is Phi(shift / sqrt(2))."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        found = auroc(rng.normal(shift, 1, 40), rng.normal(0, 1, 40))
        held += found.low <= area <= found.high
    assert held >= 184


def test_of_scores_that_never_cross_something_is_left_to_doubt():
    right, wrong = auroc(np.ones(20), np.zeros(20)), auroc(np.zeros(20), np.ones(20))
    assert (right.value, right.high) == (1, 1)
    assert 0.8 < right.low < 0.99
    assert (wrong.low, wrong.high) == pytest.approx((0, 1 - right.low))


def test_a_forest_finds_a_shift_and_no_difference_where_there_is_none():
    reference = flat(images(100, 0))
    assert forest_auroc(flat(images(100, 1, shift=15)), reference, seed=0).low > 0.8
    same = forest_auroc(flat(images(100, 1)), reference, seed=0)
    assert same.low < 0.5 < same.high


def test_a_network_finds_a_shift_and_no_difference_where_there_is_none():
    reference = images(60, 0)
    assert network_auroc(images(60, 1, shift=40), reference, seed=0).low > 0.8
    same = network_auroc(images(60, 1), reference, seed=0)
    assert same.low < 0.5 < same.high


def test_copies_of_the_other_set_come_out_below_chance():
    """Each image's copy is learned as one of the other set."""
    reference = flat(images(100, 0))
    assert forest_auroc(reference, reference, seed=0).high < 0.5


@pytest.mark.parametrize("master", [429, 430, 9999])
def test_the_seed_of_any_run_serves(master):
    """`config.seed` moves the audit's by 100,000 times its value."""
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    y = np.repeat([0, 1], 10)
    scores = forest_scores(x, y, x, 100_000 * master, trees=3)
    assert scores[y == 1].min() > scores[y == 0].max()
