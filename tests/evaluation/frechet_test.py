import numpy as np
import pytest
from scipy import linalg

from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import frechet


def gaussian(mean, spread):
    return np.asarray(mean, float), np.diag(np.square(np.asarray(spread, float)))


def test_of_two_axis_aligned_gaussians_it_is_known():
    a, b = gaussian([0, 1], [1, 2]), gaussian([3, 5], [2, 5])
    assert frechet.distance(a, b) == pytest.approx(9 + 16 + 1 + 9)
    assert frechet.distance(a, a) == pytest.approx(0, abs=1e-12)


def test_it_is_the_textbook_formula_and_symmetric():
    rng = np.random.default_rng(0)
    a, b = (frechet.moments(rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))) for _ in "ab")
    root = linalg.sqrtm(a[1] @ b[1]).real
    expected = np.square(a[0] - b[0]).sum() + np.trace(a[1] + b[1] - 2 * root)
    assert frechet.distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert frechet.distance(a, b) == pytest.approx(frechet.distance(b, a), rel=1e-8)


def test_two_draws_of_one_distribution_are_near_and_nearer_when_larger():
    rng = np.random.default_rng(0)

    def between(n):
        return frechet.distance(*(frechet.moments(rng.normal(size=(n, 8))) for _ in "ab"))

    assert between(10_000) < between(200) < 1


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match=r"more than 8 images.*got 8"):
        frechet.moments(np.zeros((8, 8)))
