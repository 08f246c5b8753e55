import numpy as np
import pytest
from scipy import stats

from synthmed_jax.explain import comparison

RNG = np.random.default_rng(0)


def test_a_difference_is_found_and_equals_are_not():
    real = {"a": {"r2": RNG.normal(0, 1, 40), "border": RNG.normal(0, 1, 40)}, "b": {"r2": [1.0]}}
    synthetic = {"a": {"r2": RNG.normal(2, 1, 40), "border": RNG.normal(0, 1, 40)}}
    rows = comparison.two_sample_tests(real, synthetic)
    assert [(row.class_name, row.number) for row in rows] == [("a", "r2"), ("a", "border")]
    shifted, same = rows
    assert shifted.q < 1e-4
    assert shifted.superiority > 0.85
    assert same.q > 0.05
    assert all(row.q >= row.p for row in rows)


def test_a_row_holds_both_sides_and_its_q_counts_all_rows():
    real = {"a": {"r2": [1.0, 2.0, 3.0]}, "b": {"r2": [0.0, 1.0]}}
    synthetic = {"b": {"r2": [5.0, 6.0, 7.0, 8.0]}, "a": {"r2": [2.0, 2.5]}}
    a, b = comparison.two_sample_tests(real, synthetic)
    assert (a.n_real, a.n_synthetic, b.n_real, b.n_synthetic) == (3, 2, 2, 4)
    assert (a.mean_real, a.mean_synthetic, b.mean_real, b.mean_synthetic) == (2, 2.25, 0.5, 6.5)
    assert b.superiority == 1
    expected = stats.mannwhitneyu([5.0, 6.0, 7.0, 8.0], [0.0, 1.0], alternative="two-sided")
    assert b.p == pytest.approx(expected.pvalue)
    assert [a.q, b.q] == pytest.approx(stats.false_discovery_control([a.p, b.p]).tolist())


def test_numbers_of_fewer_than_two_images_are_not_compared():
    assert comparison.two_sample_tests({"a": {"x": [1.0, 2.0]}}, {"a": {"x": [1.0]}}) == ()
    assert comparison.two_sample_tests({"a": {"x": [1.0, 2.0]}}, {}) == ()


def test_coarse_maps_keep_the_sum_and_the_place():
    heat = np.zeros((32, 32))
    heat[31, 0] = 1
    coarse = comparison.coarse(heat)
    assert coarse.shape == (8, 8)
    assert coarse[7, 0] == coarse.sum() == 1
    assert comparison.coarse(np.ones((5, 5))).shape == (5, 5)
