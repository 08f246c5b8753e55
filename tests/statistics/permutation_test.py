import numpy as np
import pytest
from scipy import stats

from synthmed_jax.statistics.permutation import p_lower_mean


def test_p_is_scipys():
    rng = np.random.default_rng(0)
    first, second = rng.normal(-0.4, 1, 30), rng.normal(0, 1, 40)
    expected = stats.permutation_test(
        (first, second),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        vectorized=True,
        alternative="less",
        rng=np.random.default_rng(1),
    ).pvalue
    assert p_lower_mean(first, second, None, None, 0) == pytest.approx(expected, abs=0.01)


def test_all_permutations_of_few_values_are_met():
    """One of the six ways to choose two of four values is as low as what is seen."""
    found = p_lower_mean(np.array([0.1, 0.2]), np.array([1, 1.1]), None, None, 0)
    assert found == pytest.approx(1 / 6, abs=0.015)


def test_copies_in_a_group_make_nothing_surer():
    rng = np.random.default_rng(0)
    first, second = rng.normal(-0.5, 1, 20), rng.normal(0, 1, 20)
    groups = np.repeat(np.arange(20), 5)
    copied = (np.repeat(first, 5), np.repeat(second, 5))
    once = p_lower_mean(first, second, None, None, 0)
    assert p_lower_mean(*copied, groups, groups + 20, 0) == pytest.approx(once, abs=1e-9)
    assert p_lower_mean(*copied, None, None, 0) < once


def test_p_is_uniform_where_nothing_differs():
    rng = np.random.default_rng(3)
    found = [
        p_lower_mean(rng.normal(size=15), rng.normal(size=15), None, None, seed, 199)
        for seed in range(300)
    ]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert 1 >= p_lower_mean(np.ones(5), np.zeros(5), None, None, 0) > 0.99
