import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from synthmed_jax.data import warp


def images(count=6, size=16, channels=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, channels), np.uint8)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.integers(2, 20), st.integers(1, 3))
def test_no_warp_has_numbers_of_zero_and_leaves_the_image(seed, size, channels):
    given_images = images(4, size, channels, seed % 1000)
    numbers = warp.draw_numbers(4, np.random.default_rng(seed), 0.0)
    np.testing.assert_array_equal(numbers, 0)
    np.testing.assert_array_equal(warp.warp(given_images, numbers), given_images)


def test_the_share_that_is_warped_is_the_probability():
    numbers = warp.draw_numbers(4000, np.random.default_rng(0), 0.3)
    share = (numbers != 0).any(1).mean()
    assert abs(share - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 4000)
    warped = numbers[(numbers != 0).any(1)]
    np.testing.assert_allclose(warped.std(0), 1, atol=0.15)


def test_the_numbers_describe_the_warp():
    # An oracle: scipy's affine transform, built from the numbers alone.
    given_images = ndimage.gaussian_filter(images(8, 24, 1).astype(float), (0, 2, 2, 0)).astype(
        np.uint8
    )
    numbers = warp.draw_numbers(8, np.random.default_rng(1), 1.0)
    out = warp.warp(given_images, numbers)
    for image, found, own in zip(given_images, out, numbers, strict=True):
        down, right, scale, aspect, turns = own * warp.SPREADS
        cos, sin = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
        stretch = np.array([2 ** (scale + aspect / 2), 2 ** (scale - aspect / 2)])
        matrix = np.array([[cos, sin], [-sin, cos]]) / stretch[:, None]
        centre = np.full(2, 11.5)
        offset = centre - matrix @ (centre + 24 * np.array([down, right]))
        expected = ndimage.affine_transform(
            image[..., 0].astype(float), matrix, offset, order=1, mode="nearest"
        )
        assert np.abs(found[..., 0] - expected).max() <= 1


def test_images_are_warped_each_by_itself_and_repeatably():
    same = np.repeat(images(1), 5, axis=0)
    numbers = warp.draw_numbers(5, np.random.default_rng(3), 1.0)
    out = warp.warp(same, numbers)
    assert len({image.tobytes() for image in out}) == 5
    again = warp.draw_numbers(5, np.random.default_rng(3), 1.0)
    np.testing.assert_array_equal(again, numbers)
    np.testing.assert_array_equal(warp.warp(same, again), out)
