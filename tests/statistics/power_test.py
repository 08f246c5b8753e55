import math

import numpy as np
import pytest
from scipy import stats

from synthmed_jax.statistics.paired import balanced_difference
from synthmed_jax.statistics.power import detectable_gain, detectable_shift, level_of_next


@pytest.mark.parametrize(
    ("first", "second", "level"),
    [(20, 20, 0.05 / 24), (20, 20, 0.05), (10, 10, 0.05 / 24), (6, 6, 0.0125), (40, 15, 0.004)],
)
def test_the_shift_is_found_in_four_of_five_simulated_pairs(first, second, level):
    shift = detectable_shift(first, second, level)
    rng = np.random.default_rng(first)
    draws = rng.normal(size=(3000, first)), rng.normal(size=(3000, second)) + shift
    p = stats.mannwhitneyu(*draws, axis=1).pvalue
    assert (p < level).mean() == pytest.approx(0.8, abs=0.03)


def test_a_shift_is_found_as_often_as_asked_for():
    shift = detectable_shift(20, 20, 0.05, power=0.5)
    rng = np.random.default_rng(0)
    p = stats.mannwhitneyu(
        rng.normal(size=(3000, 20)), rng.normal(size=(3000, 20)) + shift, axis=1
    ).pvalue
    assert (p < 0.05).mean() == pytest.approx(0.5, abs=0.03)


def test_few_images_find_nothing_however_large():
    assert detectable_shift(3, 3, 0.1) == math.inf  # its smallest p is 0.1
    assert detectable_shift(3, 3, 0.1001) < math.inf
    assert detectable_shift(5, 5, 0.05 / 24) == math.inf


def test_more_images_and_milder_levels_find_less():
    assert detectable_shift(40, 40, 0.05) < detectable_shift(20, 20, 0.05)
    assert detectable_shift(20, 20, 0.05) < detectable_shift(20, 20, 0.01)
    assert detectable_shift(300, 300, 0.05) == pytest.approx(
        0.235, abs=0.02
    )  # 2.80 sqrt(2/n / .955)


def test_the_level_is_what_one_finding_more_would_need():
    p = [0.001, 0.004, 0.9, 0.9]
    assert level_of_next(0, 4, 0.05) == 0.0125
    assert level_of_next(2, 4, 0.05) == pytest.approx(0.0375)
    assert level_of_next(4, 4, 0.05) == 0.05
    for third, found in ((0.037, 3), (0.038, 2)):
        q = stats.false_discovery_control([*p[:2], third, p[3]])
        assert (q < 0.05).sum() == found


def test_answers_that_never_differ_do_not_promise_to_find_anything():
    hits, labels = np.ones(100), np.zeros(100, int)
    same = balanced_difference(hits, hits, labels, None, seed=0)
    assert same.detectable == 0
    smallest = detectable_gain(same)
    assert smallest == pytest.approx(0.074, abs=0.001)
    # A network that is wrong on so many images is found out in four of five sets, about.
    rng = np.random.default_rng(0)
    found = [
        balanced_difference(
            hits, hits - (rng.random(100) < smallest), labels, None, seed=0, draws=1000
        ).is_above(0)
        for _ in range(200)
    ]
    assert np.mean(found) > 0.8


def test_the_spread_of_the_answers_counts_where_there_is_some():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 2, (2, 200)).astype(float)
    found = balanced_difference(first, second, np.arange(200) % 2, None, seed=0)
    assert detectable_gain(found) == found.detectable
