import numpy as np
import pytest

from synthmed_jax.data import regions
from synthmed_jax.data.sets import phantom_drawing


def test_the_ring_keeps_its_share_of_the_side():
    assert regions.ring(8).sum() == 8**2 - 6**2
    assert regions.ring(32).sum() == 32**2 - 30**2
    assert regions.ring(64).sum() == 64**2 - 60**2


def test_corners_are_squares_of_an_eighth_of_the_side():
    found = regions.corner_squares(32)
    assert found.sum() == 4 * 4**2
    assert found[0, 3]
    assert found[31, 28]
    assert not found[0, 4]
    assert regions.corner_squares(4).sum() == 4


def test_foreground_is_the_head_in_the_dark_and_the_cell_in_the_light():
    drawn = phantom_drawing.draw(0, 2, 0, 64)[0][..., None]
    for image in (drawn, 255 - drawn, np.repeat(drawn, 3, axis=-1)):
        found = regions.foreground(image)
        assert not found[regions.rim(64, 1)].any()
        assert found[20:44, 20:44].mean() > 0.5
    assert not regions.foreground(np.full((8, 8, 1), 7, np.uint8)).any()


@pytest.mark.parametrize("inverted", [False, True])
def test_the_background_is_neither_in_a_hole_of_the_tissue_nor_at_its_edge(inverted):
    image = np.full((16, 16, 1), 10, np.uint8)
    image[4:12, 4:12] = 200
    image[7:9, 7:9] = 10
    found = regions.background(255 - image if inverted else image)
    expected = np.ones((16, 16), bool)
    expected[3:13, 3:13] = False
    np.testing.assert_array_equal(found, expected)


def test_every_region_is_of_each_image():
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    images[0] = 7  # all background
    for name, areas_of in regions.REGIONS.items():
        areas = areas_of(images)
        assert (areas.shape, areas.dtype) == ((3, 16, 16), bool), name
    assert regions.REGIONS["background"](images)[0].all()
