import numpy as np
import pytest
from scipy import stats

from synthmed_jax.explain import comparison

RNG = np.random.default_rng(0)


def test_interval_of_mean_is_students():
    values = RNG.normal(3, 2, 12).tolist()
    found = comparison.interval_of_mean(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected))
    assert found["n"] == 12
    assert comparison.interval_of_mean([2.0]) == {
        "n": 1, "mean": 2.0, "std": None, "low": None, "high": None
    }  # fmt: skip
    assert comparison.interval_of_mean([])["mean"] is None


def test_interval_of_share_is_wilsons():
    found = comparison.interval_of_share([1.0, 0.0, 1.0, 1.0])
    assert (found["mean"], found["n"]) == (0.75, 4)
    assert (found["low"], found["high"]) == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert comparison.interval_of_share([])["low"] is None


def test_a_difference_is_found_and_equals_are_not():
    real = {"a": {"r2": RNG.normal(0, 1, 40), "border": RNG.normal(0, 1, 40)}, "b": {"r2": [1.0]}}
    synthetic = {"a": {"r2": RNG.normal(2, 1, 40), "border": RNG.normal(0, 1, 40)}}
    rows = comparison.two_sample_tests(real, synthetic)
    assert [(row["class"], row["number"]) for row in rows] == [("a", "r2"), ("a", "border")]
    shifted, same = rows
    assert shifted["q"] < 1e-4
    assert shifted["superiority"] > 0.85
    assert same["q"] > 0.05
    assert all(row["q"] >= row["p"] for row in rows)


def test_p_values_are_even_where_nothing_differs():
    p = [
        comparison.two_sample_tests(
            {"a": {"x": RNG.normal(size=15)}}, {"a": {"x": RNG.normal(size=15)}}
        )[0]["p"]
        for _ in range(300)
    ]
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_coarse_maps_keep_the_sum_and_the_place():
    heat = np.zeros((32, 32))
    heat[31, 0] = 1
    found = comparison.coarse(heat)
    assert found.shape == (8, 8)
    assert found[7, 0] == found.sum() == 1
    assert comparison.coarse(np.ones((5, 5))).shape == (5, 5)


def test_same_places_are_told_from_other_ones():
    def maps(middle, count):
        along = np.arange(8)
        hill = np.exp(-((along - middle) ** 2) / 4)
        return [hill[:, None] * hill + 0.2 * RNG.random((8, 8)) for _ in range(count)]

    alike = comparison.same_places(maps(2, 10), maps(2, 10), seed=0)
    apart = comparison.same_places(maps(2, 10), maps(6, 10), seed=0)
    assert alike["all"] > 0.7
    assert alike["mixed_halves"] == pytest.approx(alike["real_halves"], abs=0.1)
    assert apart["mixed_halves"] < apart["real_halves"] - 0.3
    assert comparison.same_places(maps(2, 1), maps(2, 10), seed=0) is None
