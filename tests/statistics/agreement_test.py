import numpy as np
import pytest

from synthmed_jax.statistics.agreement import mean_map_agreement, rank_correlation

RNG = np.random.default_rng(0)


def _hills(middle, count):
    """Noisy maps 8x8 with a hill on the diagonal."""
    along = np.arange(8)
    hill = np.exp(-((along - middle) ** 2) / 4)
    return [hill[:, None] * hill + 0.2 * RNG.random((8, 8)) for _ in range(count)]


def test_rank_correlation_sees_order_alone():
    a = RNG.normal(size=20)
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert rank_correlation(a, -(a**3)) == pytest.approx(-1)
    # Spearman's formula for ranks without ties: 1 - 6 sum d^2 / n (n^2 - 1).
    assert rank_correlation(np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])) == pytest.approx(
        0.6
    )


def test_what_does_not_vary_agrees_with_nothing():
    assert rank_correlation(np.arange(5.0), np.ones(5)) == 0
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_maps_of_one_place_are_told_from_those_of_another():
    alike = mean_map_agreement(_hills(2, 10), _hills(2, 10), seed=0)
    apart = mean_map_agreement(_hills(2, 10), _hills(6, 10), seed=0)
    assert alike.all > 0.7
    assert alike.mixed_halves == pytest.approx(alike.real_halves, abs=0.1)
    assert apart.mixed_halves < apart.real_halves - 0.3


def test_halves_are_of_the_smaller_set_and_drawn_by_the_seed():
    real, synthetic = _hills(2, 9), _hills(3, 5)
    first, again, other = (mean_map_agreement(real, synthetic, seed) for seed in (0, 0, 1))
    assert first.half == 2
    assert first == again
    assert first.real_halves != other.real_halves
    assert first.all == other.all


@pytest.mark.parametrize("counts", [(1, 10), (10, 1), (0, 10)])
def test_fewer_than_two_maps_have_no_agreement(counts):
    assert mean_map_agreement(_hills(2, counts[0]), _hills(2, counts[1]), seed=0) is None
