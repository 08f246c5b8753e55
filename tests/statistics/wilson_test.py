import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from synthmed_jax.statistics.intervals import accuracy_interval, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_published_values(hits, n, low, high):
    assert wilson(hits / n, n) == pytest.approx((low, high), abs=5e-5)


@given(
    st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_wilson_equals_scipy_for_whole_counts(counts, level):
    hits, n = counts
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert wilson(hits / n, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_wilson_holds_the_share_and_stays_in_range(share, n):
    low, high = wilson(share, n)
    assert 0 <= low <= share <= high <= 1


def test_interval_of_a_mean_accuracy_over_folds():
    interval = accuracy_interval(0.123456, 10, 0.9)
    assert (interval.low, interval.high) == wilson(0.123456, 10, 0.9)
    assert interval.low < 0.123456 < interval.high
    assert interval.level == 0.9
    assert interval.method == "Wilson score of the mean over trainings, 10 images"


@pytest.mark.parametrize(
    ("accuracy", "n", "level"),
    [(1.1, 5, 0.95), (-0.1, 5, 0.95), (0.5, 0, 0.95), (0.5, 5, 1.0), (math.nan, 5, 0.95)],
)
def test_nonsense_has_no_interval(accuracy, n, level):
    with pytest.raises(ValueError, match="no interval"):
        accuracy_interval(accuracy, n, level)
