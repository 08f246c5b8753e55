import numpy as np
import pytest
from scipy import stats

from synthmed_jax.audit.copy_threshold import exact_rate, flagged, thresholds
from synthmed_jax.results.memorisation import UNION


@pytest.mark.parametrize("hits", [0, 3, 100])
def test_the_interval_is_exact(hits):
    rate = exact_rate(hits, 100)
    assert (rate.hits, rate.n, rate.share) == (hits, 100, hits / 100)
    # At its ends, what was seen or more (less) extreme has a chance of 2.5 %.
    if hits:
        assert stats.binom.sf(hits - 1, 100, rate.low) == pytest.approx(0.025)
    if hits < 100:
        assert stats.binom.cdf(hits, 100, rate.high) == pytest.approx(0.025)


def test_no_rate_of_no_images():
    with pytest.raises(ValueError, match="not less than 1"):
        exact_rate(0, 0)


def test_one_in_a_hundred_is_flagged_in_each_space_and_in_the_union():
    rng = np.random.default_rng(0)
    alike = {"a": rng.random(1000), "b": rng.random(1000) ** 2}
    limits = thresholds(alike)
    assert list(limits) == ["a", "b", UNION]
    assert flagged(alike, limits["a"]).sum() == flagged(alike, limits["b"]).sum() == 10
    assert 9 <= flagged(alike, limits[UNION]).sum() <= 10
    assert limits[UNION]["a"] > limits["a"]["a"]


def test_equal_spaces_need_no_stricter_thresholds_together():
    alike = np.random.default_rng(0).random(500)
    limits = thresholds({"a": alike, "b": alike})
    assert limits[UNION] == limits["a"] | limits["b"]


def test_few_images_give_the_largest_likeness_of_all():
    assert thresholds({"a": np.array([0.2, 0.9, 0.4])})["a"] == {"a": 0.9}


@pytest.mark.parametrize("alike", [{"a": np.zeros(0)}, {"a": np.zeros(2), "b": np.zeros(3)}, {}])
def test_spaces_of_no_or_of_different_images_are_refused(alike):
    with pytest.raises(ValueError, match="can't take thresholds"):
        thresholds(alike)
