import numpy as np
import pytest

from synthmed_jax.data import planted
from tests.data.scenes import scenes


@pytest.mark.parametrize("channels", [1, 3])
def test_copies_are_changed_as_they_are_called(channels):
    images = scenes(3, 32, channels)
    copies = planted.plant(images, seed=1)
    assert all(each.shape == images.shape and each.dtype == np.uint8 for each in copies.values())
    np.testing.assert_array_equal(copies["unchanged"], images)
    np.testing.assert_array_equal(copies["moved by 2 pixels"][:, 2:, 2:], images[:, :-2, :-2])
    np.testing.assert_array_equal(
        copies["moved by 1 pixel"][:, 0], copies["moved by 1 pixel"][:, 1]
    )
    brighter = copies["brighter by 20"].astype(int) - images
    assert set(np.unique(brighter[images < 230])) == {20}
    noise = copies["noise, deviation 10"].astype(float) - images
    assert noise[(images > 50) & (images < 200)].std() == pytest.approx(10, rel=0.1)
    assert copies["blur, 1 pixel"].std() < copies["blur, 0.7 pixels"].std() < images.std()
    assert 0 < np.abs(copies["JPEG, quality 50"].astype(int) - images).mean() < 30


def test_power_is_the_share_that_a_threshold_leaves():
    images = scenes(80, 64)
    everything = np.arange(80)
    power = planted.measure_power(images, everything, everything[:30], 0.9, seed=0)
    assert power["unchanged"] == power["moved by 2 pixels"] == power["JPEG, quality 50"] == 1
    assert set(planted.plant(images[:1], 0)) == set(power)
    strict = planted.measure_power(images, everything, everything[:30], 0.99999, seed=0)
    assert strict["unchanged"] == 1
    assert strict["JPEG, quality 50"] == strict["blur, 1 pixel"] == 0


def test_an_original_that_is_not_searched_is_not_found():
    images = scenes(80, 64)
    one = planted.measure_power(images, np.arange(40), np.arange(40), 0.8, seed=0)
    assert one["unchanged"] == 1
