import numpy as np
import pytest

from synthmed_jax.audit.density_coverage import density_coverage


def normal(n, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, (n, 6))


def published(compared, real, k=5):
    """Naeem et al. 2020, eqs. 4 and 5, image by image."""
    lying = np.zeros((len(real), len(compared)))
    for i, image in enumerate(real):
        others = sorted(np.linalg.norm(image - x) for j, x in enumerate(real) if j != i)
        lying[i] = [np.linalg.norm(image - y) < others[k - 1] for y in compared]
    return lying.sum() / (k * len(compared)), (lying.max(axis=1) > 0).mean()


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_they_are_the_published_ones(shift):
    compared, real = normal(50, shift), normal(70, seed=1)
    density, coverage = density_coverage(compared, real)
    assert (density.value, coverage.value) == pytest.approx(published(compared, real), rel=1e-9)
    assert density.low < density.value < density.high
    assert 0 <= coverage.low < coverage.value < coverage.high <= 1


def test_images_of_one_kind_alone_are_dense_and_cover_little():
    real = np.concatenate([normal(50), normal(50, shift=20, seed=1)])
    density, coverage = density_coverage(normal(100, seed=2), real)
    assert density.value == pytest.approx(1, abs=0.4)
    assert coverage.value <= 0.5


def test_images_far_from_all_real_ones_have_neither():
    density, coverage = density_coverage(normal(30, shift=50), normal(30, seed=1))
    assert density.value == coverage.value == coverage.low == 0


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="among 5"):
        density_coverage(normal(30), normal(5))
