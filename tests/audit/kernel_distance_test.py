import numpy as np
import pytest

from synthmed_jax.audit.kernel_distance import kernel_distance


def normal(n, d=8, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def published(x, y):
    """Binkowski et al. 2018, eq. 4, pair by pair, with the kernel (x.y / d + 1)^3."""

    def kernel(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    m, n = len(x), len(y)
    within_x = sum(kernel(x[i], x[j]) for i in range(m) for j in range(m) if i != j)
    within_y = sum(kernel(y[i], y[j]) for i in range(n) for j in range(n) if i != j)
    between = sum(kernel(a, b) for a in x for b in y)
    return within_x / (m * (m - 1)) + within_y / (n * (n - 1)) - 2 * between / (m * n)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_it_is_the_published_estimate(shift):
    x, y = normal(40), normal(40, shift=shift, seed=1)
    assert kernel_distance(x, y).value == pytest.approx(published(x, y), rel=1e-6)


def test_its_spread_is_the_jackknifes_where_the_sets_differ():
    x, y = normal(20), normal(20, shift=1.0, seed=1)
    without = [published(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(20)]
    half = 1.959964 * np.sqrt(19 * np.var(without))
    found = kernel_distance(x, y)
    assert found.high - found.value == pytest.approx(half, rel=1e-5)
    assert found.value - found.low == pytest.approx(half, rel=1e-5)


def test_its_mean_is_nought_without_a_difference_and_its_interval_holds_that():
    found = [
        kernel_distance(normal(60, seed=2 * i), normal(60, seed=2 * i + 1)) for i in range(100)
    ]
    values = np.array([each.value for each in found])
    assert abs(values.mean()) < 3 * values.std() / 10
    assert sum(each.low <= 0 <= each.high for each in found) >= 93


def test_its_interval_holds_nought_where_one_direction_is_all():
    """There the jackknife alone has hardly a spread whenever both means happen to be equal."""
    found = [
        kernel_distance(normal(60, 1, seed=2 * i), normal(60, 1, seed=2 * i + 1))
        for i in range(100)
    ]
    assert sum(each.low <= 0 <= each.high for each in found) >= 93


def test_a_shift_is_found():
    assert kernel_distance(normal(60), normal(60, shift=0.5, seed=1)).low > 0


def test_other_numbers_of_images_are_refused():
    with pytest.raises(ValueError, match="of 9 and 8 images"):
        kernel_distance(normal(9), normal(8))
