import numpy as np
import pytest

from synthmed_jax.data.formats import colour


@pytest.mark.parametrize("side", [1, 31, 32, 33, 1000])
def test_a_tint_of_the_limit_is_no_colour(side):
    pixels = np.full((side, 5, 3), 100, np.uint8)
    pixels[..., 1] += colour.COLOURED
    assert not colour.has_colours(pixels)
    pixels[..., 1] += 1
    assert colour.has_colours(pixels)


def test_a_coloured_part_counts_by_its_area():
    pixels = np.zeros((200, 100, 3), np.uint8)
    pixels[:20, :, 0] = 255  # a tenth: 25 grey levels on average
    assert colour.has_colours(pixels)
    pixels[:20, :, 0] = 60  # 6
    assert not colour.has_colours(pixels)


def test_channels():
    pixels = np.array([[[200, 100, 50]]], np.uint8)
    assert colour.with_channels(pixels, 1).tolist() == [[[124]]]
    np.testing.assert_array_equal(colour.with_channels(pixels, 3), pixels)
    assert colour.with_channels(pixels[..., 0], 3).tolist() == [[[200] * 3]]
    assert colour.with_channels(pixels[..., 0], 1).tolist() == [[[200]]]
