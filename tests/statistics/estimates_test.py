"""Estimates of means and shares; part of `synthmed_jax.statistics.intervals`."""

import numpy as np
import pytest
from scipy import stats

from synthmed_jax.statistics.intervals import Estimate, mean_estimate, share_estimate

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_the_interval_of_a_mean_is_students(level):
    values = RNG.normal(3, 2, 12).tolist()
    estimate = mean_estimate(values, level)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected))
    assert (estimate.n, estimate.mean) == (12, pytest.approx(np.mean(values)))
    assert estimate.std == pytest.approx(stats.tstd(values))


def test_one_value_has_a_mean_and_no_spread_and_none_has_nothing():
    assert mean_estimate([2.0]) == Estimate(n=1, mean=2.0, std=None, low=None, high=None)
    assert mean_estimate([]) == Estimate(n=0, mean=None, std=None, low=None, high=None)


def test_the_interval_of_a_share_is_wilsons():
    estimate = share_estimate([1.0, 0.0, 1.0, 1.0])
    assert (estimate.mean, estimate.n) == (0.75, 4)
    assert (estimate.low, estimate.high) == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert share_estimate([]).low is None


def test_a_share_of_one_trial_has_an_interval_too():
    estimate = share_estimate([1.0])
    assert estimate.std is None
    assert (estimate.low, estimate.high) == pytest.approx((0.2065, 1.0), abs=1e-4)
