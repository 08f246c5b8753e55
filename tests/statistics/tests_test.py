import numpy as np
import pytest
from scipy import stats

from synthmed_jax.statistics.tests import adjust_for_false_discovery, compare_samples

RNG = np.random.default_rng(0)


def test_superiority_is_the_share_of_pairs_that_the_second_sample_wins():
    # Of six pairs the second has the larger value in three and an equal one in two.
    assert compare_samples([1.0, 2.0, 3.0], [2.0, 3.0]).superiority == pytest.approx(
        (3 + 2 / 2) / 6
    )
    assert compare_samples([1.0], [2.0]).superiority == 1
    assert compare_samples([2.0, 2.0], [2.0, 2.0]).superiority == 0.5


def test_a_difference_is_seen_from_both_sides():
    low, high = RNG.normal(0, 1, 40), RNG.normal(2, 1, 40)
    up, down = compare_samples(low, high), compare_samples(high, low)
    assert up.p < 1e-4
    assert up.superiority > 0.85
    assert down.p == pytest.approx(up.p)
    assert down.superiority == pytest.approx(1 - up.superiority)


def test_p_values_are_even_where_nothing_differs():
    p = [compare_samples(RNG.normal(size=15), RNG.normal(size=15)).p for _ in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_the_adjustment_is_benjamini_and_hochbergs():
    # The smallest p times 4 / 1, the next times 4 / 2, ...; none above that of a larger p.
    assert adjust_for_false_discovery([0.01, 0.5, 0.02, 0.03]) == pytest.approx(
        [0.04, 0.5, 0.04, 0.04]
    )
    p = RNG.random(20)
    assert (np.array(adjust_for_false_discovery(p)) >= p).all()
    assert adjust_for_false_discovery([]) == []
