import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from synthmed_jax.statistics.group_bootstrap import (
    accuracy_interval_over_groups,
    bootstrap,
    detectable_difference,
    sums_of_groups,
)
from synthmed_jax.statistics.intervals import wilson


def mean(sums):
    return sums[:, 0] / sums[:, 1]


def with_ones(values):
    return np.stack([values, np.ones(len(values))], axis=1)


def test_sums_are_of_the_images_of_a_group():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    np.testing.assert_array_equal(
        sums_of_groups(values, np.array([7, 3, 7])), [[2.0, 20.0], [5.0, 50.0]]
    )
    np.testing.assert_array_equal(sums_of_groups(values, None), values)
    with pytest.raises(ValueError, match="3 images with groups"):
        sums_of_groups(values, np.array([1, 2]))


def test_it_is_the_interval_of_a_mean():
    """For many normal values, Student's; scipy's own bootstrap is the second opinion."""
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = bootstrap(with_ones(values), mean, seed=0)
    assert found.estimate == pytest.approx(values.mean())
    assert found.standard_error == pytest.approx(stats.sem(values), rel=0.03)
    student = stats.t.interval(0.95, 399, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(student, abs=0.012)
    second = stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    assert (found.low, found.high) == pytest.approx((second.low, second.high), abs=0.02)
    assert (found.num_groups, found.level) == (400, 0.95)


def test_few_groups_make_it_wider_than_percentiles():
    values = np.random.default_rng(1).normal(size=6)
    found = bootstrap(with_ones(values), mean, seed=0)
    plain = stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    assert found.high - found.low > 1.3 * (plain.high - plain.low)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.integers(1, 4))
def test_images_that_are_repeated_within_their_group_tell_nothing_new(values, times):
    values = np.asarray(values, np.float64)
    repeated, groups = np.repeat(values, times), np.repeat(np.arange(len(values)), times)
    alone = bootstrap(with_ones(values), mean, seed=0, draws=50)
    together = bootstrap(sums_of_groups(with_ones(repeated), groups), mean, seed=0, draws=50)
    assert together.num_groups == alone.num_groups
    for number in ("estimate", "low", "high", "standard_error"):
        assert getattr(together, number) == pytest.approx(getattr(alone, number))


@given(st.permutations(range(12)))
def test_neither_order_nor_names_of_groups_matter(order):
    values = with_ones(np.arange(12.0) % 5)
    groups = np.arange(12) // 3
    plain = bootstrap(sums_of_groups(values, groups), mean, seed=3, draws=40)
    shuffled = sums_of_groups(values[list(order)], 10 - 2 * groups[list(order)])
    assert bootstrap(shuffled, mean, seed=3, draws=40) == plain


def test_it_follows_its_seed_and_not_the_size_of_blocks(monkeypatch):
    # Whole numbers, whose sums are exact: how others are rounded differs between processors.
    sums = with_ones(np.random.default_rng(2).integers(-99, 99, 30).astype(np.float64))
    first = bootstrap(sums, mean, seed=5, draws=500)
    assert bootstrap(sums, mean, seed=5, draws=500) == first
    assert bootstrap(sums, mean, seed=6, draws=500) != first
    monkeypatch.setattr("synthmed_jax.statistics.group_bootstrap._NUMBERS", 90)
    assert bootstrap(sums, mean, seed=5, draws=500) == first


def test_one_group_has_no_interval():
    with pytest.raises(ValueError, match="2 groups or more, got 1"):
        bootstrap(np.ones((1, 2)), mean, seed=0)


def test_a_number_that_is_not_finite_is_no_result():
    with pytest.raises(ValueError, match="not finite"):
        bootstrap(np.array([[np.nan, 1.0], [2.0, 1.0]]), mean, seed=0)


def test_the_detectable_difference_is_found_four_times_in_five():
    # 1.96 + 0.84 standard errors, by the tables of the normal distribution.
    assert detectable_difference(1.0, 10**9) == pytest.approx(1.95996 + 0.84162, abs=1e-4)
    rng, n = np.random.default_rng(0), 200
    true = detectable_difference(1 / np.sqrt(n), n - 1)
    found = [stats.ttest_1samp(rng.normal(true, 1, n), 0).pvalue < 0.05 for _ in range(1000)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize("copies", [1, 9])
def test_an_accuracy_is_as_sure_as_its_groups_are_many(copies):
    """Nine copies of every image say no more than one."""
    rng = np.random.default_rng(0)
    right = (rng.random(200) < 0.7).astype(float)
    hits, groups = np.repeat(right, copies), np.repeat(np.arange(200), copies)
    found = accuracy_interval_over_groups(hits, groups, 0)
    low, high = wilson(right.mean(), 200)
    assert found.low == pytest.approx(low, abs=0.015)
    assert found.high == pytest.approx(high, abs=0.015)
    assert found.method.endswith(f"{200 * copies} images in 200 groups")


def test_answers_that_are_all_right_are_not_sure_beyond_their_number():
    hits, groups = np.ones(30), np.repeat(np.arange(10), 3)
    found = accuracy_interval_over_groups(hits, groups, 0)
    assert (found.low, found.high) == wilson(1.0, 30)
