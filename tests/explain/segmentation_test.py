import numpy as np
import pytest

from synthmed_jax.data.sets import phantom_drawing
from synthmed_jax.errors import UserError
from synthmed_jax.explain.segmentation import SEGMENTATIONS, segment

IMAGE = phantom_drawing.draw(0, 0, 0, 64)[0][..., None]


@pytest.mark.parametrize("method", SEGMENTATIONS)
def test_regions_are_numbered_without_gaps_for_grey_rgb_and_floats_alike(method):
    found = [
        segment(image, method, 55)
        for image in (IMAGE, np.repeat(IMAGE, 3, axis=-1), IMAGE, IMAGE.astype(np.float32))
    ]
    for regions in found:
        assert regions.dtype == np.int32
        np.testing.assert_array_equal(np.unique(regions), np.arange(regions.max() + 1))
        assert 10 <= regions.max() + 1 <= 150
    np.testing.assert_array_equal(found[0], found[2])


def test_a_grey_image_has_the_same_regions_in_three_channels():
    grey, repeated = (segment(each, "slic", 55) for each in (IMAGE, np.repeat(IMAGE, 3, axis=-1)))
    np.testing.assert_array_equal(grey, repeated)


def test_slic_and_grid_make_about_as_many_as_asked():
    for count in (16, 49, 100):
        assert segment(IMAGE, "grid", count).max() + 1 == count
        assert 0.6 * count <= segment(IMAGE, "slic", count).max() + 1 <= 1.3 * count


def test_grid_cells_are_squares():
    np.testing.assert_array_equal(
        segment(np.zeros((4, 4, 1), np.uint8), "grid", 4),
        [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]],
    )


def test_regions_keep_to_edges(discs):
    regions = segment(discs, "slic", 40)
    mixed = 0
    for region in range(regions.max() + 1):
        share = (discs[regions == region] > 0).mean()
        mixed += 0.2 < share < 0.8
    assert mixed <= 0.25 * (regions.max() + 1)


def test_an_unknown_method_is_refused():
    with pytest.raises(UserError, match="slic"):
        segment(IMAGE, "slik", 10)
