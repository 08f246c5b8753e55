import numpy as np
import pytest

from synthmed_jax.classifiers import inputs
from synthmed_jax.data.image_set import ImageSet


def image_set(channels, side=16):
    pixels = np.random.default_rng(0).integers(0, 256, (3, side, side, channels), dtype=np.uint8)
    return ImageSet(pixels, np.arange(3, dtype=np.int32), ("a", "b", "c"), ("x", "y", "z"))


@pytest.mark.parametrize("channels", [1, 3])
def test_resizing_keeps_type_channels_and_mean(channels):
    small = image_set(channels)
    large = inputs.resize(small, 32)
    assert large.images.shape == (3, 32, 32, channels)
    assert large.images.dtype == np.uint8
    assert abs(large.images.mean() - small.images.mean()) < 2
    assert inputs.resize(small, 16) is small


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_imagenets(channels):
    found = np.asarray(inputs.normalise(image_set(channels).images))
    assert found.shape == (3, 16, 16, 3)
    expected = (image_set(channels).images / 255 - inputs.IMAGENET_MEAN) / inputs.IMAGENET_STD
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
