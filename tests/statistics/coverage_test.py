"""What intervals and tests promise, held against simulated patients (60 groups, ICC 0.2)."""

import time

import numpy as np
import pytest

from synthmed_jax.statistics.paired import balanced_difference, permutation_test

ICC = 0.2


def patients(rng, shares, num_groups=60, per_group=10):
    """Hits of two classifiers, labels and groups; images of a group are right together, by ICC."""
    groups = np.repeat(np.arange(num_groups), per_group)
    labels = np.repeat(rng.integers(0, 3, num_groups), per_group)
    hits = []
    for share in shares:
        of_group = rng.beta(*(np.array([share, 1 - share]) * (1 / ICC - 1)), num_groups)
        hits.append(rng.binomial(1, of_group[groups]).astype(float))
    return *hits, labels, groups


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(0)
    found = [
        balanced_difference(*patients(rng, (0.85, 0.80)), seed=i, draws=1000) for i in range(1500)
    ]
    covered = np.mean([each.low <= 0.05 <= each.high for each in found])
    assert 0.93 <= covered <= 0.97
    # Of images, as if they were independent, they would cover too seldom.
    naive = []
    for i in range(300):
        first, second, labels, _ = patients(rng, (0.85, 0.80))
        each = balanced_difference(first, second, labels, None, seed=i, draws=1000)
        naive.append(each.low <= 0.05 <= each.high)
    assert np.mean(naive) < 0.85


@pytest.mark.parametrize("num_groups", [15, 60])
def test_no_difference_is_seldom_called_one(num_groups):
    rng = np.random.default_rng(1)
    p = [
        permutation_test(*patients(rng, (0.8, 0.8), num_groups), seed=i, draws=500)
        for i in range(1000)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.07


def test_ten_thousand_draws_of_five_thousand_images_take_seconds():
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 2, (2, 5, 5000)).mean(axis=1)
    labels = rng.integers(0, 4, 5000)
    for groups in (None, np.arange(5000) // 2):
        start = time.perf_counter()
        balanced_difference(first, second, labels, groups, seed=0)
        permutation_test(first, second, labels, groups, seed=0)
        assert time.perf_counter() - start < 15
