import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from synthmed_jax.audit import features
from synthmed_jax.audit.features import FEATURES


def noise(n, channels=1, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", FEATURES)
def test_features_are_of_each_image_alone_and_the_same_every_time(name, channels):
    images = noise(5, channels)
    found = FEATURES[name](images)
    assert found.dtype == np.float32
    assert found.shape[0] == 5
    np.testing.assert_allclose(FEATURES[name](images[3:4])[0], found[3], rtol=1e-5)
    np.testing.assert_array_equal(FEATURES[name](images), found)
    assert np.ptp(found, axis=0).max() > 0


def test_the_spectrum_of_a_wave_lies_at_its_frequency():
    side, cycles, height = 32, 5, 60
    wave = 128 + height * np.cos(2 * np.pi * cycles * np.arange(side) / side)
    images = np.rint(np.broadcast_to(wave[None, None, :, None], (1, side, side, 1)))
    (found,) = features.spectrum(images.astype(np.uint8))
    assert found.argmax() == cycles - 1
    # Its power is that of 2 coefficients of (S * height / 2)^2 in a ring's mean over half a plane.
    along = np.fft.fftfreq(side, 1 / side)
    radius = np.rint(np.hypot(along[:, None], np.abs(along[None, : side // 2 + 1])))
    expected = np.log10((side * height / 2) ** 2 / (radius == cycles).sum())
    assert found[cycles - 1] == pytest.approx(expected, abs=0.02)
    assert np.delete(found, cycles - 1).max() < expected - 2


def test_a_flat_image_has_the_spectrum_of_rounding_and_one_local_pattern():
    flat = np.full((1, 16, 16, 3), 77, np.uint8)
    np.testing.assert_allclose(features.spectrum(flat), np.log10(1 / 12), rtol=1e-6)
    # All eight neighbours are not darker, but for those beyond the edge, which count as black.
    assert features.lbp(flat)[0, 8] == 14**2 / 16**2


def test_co_occurrence_is_scikit_images():
    image = noise(1)
    matrix = graycomatrix(
        image[0, ..., 0] // 16, [1, 2], [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4], 16, True, True
    )
    expected = graycoprops(matrix, "contrast").mean(axis=1)
    np.testing.assert_allclose(features.glcm(image)[0, :2], expected, rtol=1e-5)


def test_colours_become_their_mean_level():
    images = noise(2, 3)
    np.testing.assert_allclose(features.grey(images), images.mean(axis=3), atol=0.5)
