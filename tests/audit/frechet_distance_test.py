import numpy as np
import pytest
from scipy import linalg

from synthmed_jax.audit.frechet_distance import frechet_distance


def normal(n, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, (n, 6))


def published(x, y):
    """Heusel et al. 2017, eq. 6."""
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(a @ b).real
    return np.square(x.mean(axis=0) - y.mean(axis=0)).sum() + np.trace(a + b - 2 * root)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_it_is_the_published_one(shift):
    x, y = normal(100, shift), normal(100, seed=1)
    assert frechet_distance(x, y, 0).value == pytest.approx(published(x, y), rel=1e-6)


def test_its_interval_holds_it_and_is_narrower_with_more_images():
    few, many = (frechet_distance(normal(n, 0.5), normal(n, seed=1), seed=0) for n in (100, 2000))
    assert 0 <= few.low < few.value < few.high
    assert many.high - many.low < (few.high - few.low) / 2
    assert many.low < 6 * 0.25 < many.high
