import hashlib

import numpy as np
import pytest
from scipy import ndimage

from synthmed_jax.data.sets import phantom_drawing

GLIOMA, MENINGIOMA, NOTUMOR, PITUITARY = range(4)
INDICES = range(12)


def _centre(mask: np.ndarray) -> np.ndarray:
    """(row, column) in [0, 1]."""
    return np.argwhere(mask).mean(axis=0) / len(mask)


def test_class_names_are_the_brain_set_in_order():
    assert phantom_drawing.CLASS_NAMES == ("glioma", "meningioma", "notumor", "pituitary")


@pytest.mark.parametrize("size", [32, 48, 50, 128, 256])
def test_range_and_type(size):
    image, lesion = phantom_drawing.draw(0, GLIOMA, 0, size)
    assert image.dtype == np.uint8
    assert lesion.dtype == np.bool_
    assert image.shape == lesion.shape == (size, size)
    assert image.max() > 120
    assert image[0].mean() < 20  # air around the head
    assert 0.01 < lesion.mean() < 0.2


def test_same_numbers_draw_the_same_bytes_and_others_another_head():
    def digest(*numbers):
        image, lesion = phantom_drawing.draw(*numbers, 32)
        return hashlib.sha256(image.tobytes() + lesion.tobytes()).hexdigest()

    assert digest(0, 1, 2) == digest(0, 1, 2)
    drawn = [
        digest(seed, label, index) for seed in (0, 1) for label in range(4) for index in (0, 1)
    ]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("size", [32, 64])
def test_mask_is_empty_for_notumor_alone_and_inside_the_head(size):
    for label in range(4):
        for index in INDICES:
            parts = phantom_drawing.draw_parts(0, label, index, size)
            assert parts.lesion.any() == (label != NOTUMOR)
            assert not (parts.lesion & ~parts.head).any()
            assert not (parts.cranium & ~parts.head).any()
            edge = np.concatenate([parts.head[0], parts.head[:, 0], parts.head[:, -1]])
            assert not edge.any()


def test_pituitary_is_low_on_the_midline():
    for index in INDICES:
        parts = phantom_drawing.draw_parts(0, PITUITARY, index, 128)
        # The head may be tilted, so its axis runs through the head's centre at some angle.
        row, column = _centre(parts.lesion) - _centre(parts.head)
        assert 0.1 < row < 0.3
        assert abs(column) < 0.1
        assert ndimage.label(parts.lesion)[1] == 1


def test_meningioma_sits_on_the_inner_skull_and_is_round():
    for index in INDICES:
        parts = phantom_drawing.draw_parts(0, MENINGIOMA, index, 128)
        border = parts.cranium & ~ndimage.binary_erosion(parts.cranium)
        assert (parts.lesion & border).sum() >= 5
        assert ndimage.label(parts.lesion)[1] == 1
        # Fills most of its bounding box, as an ellipse cut by the skull does.
        box = parts.lesion[ndimage.find_objects(parts.lesion.astype(int))[0]]
        assert box.mean() > 0.6


def test_glioma_lies_in_one_hemisphere_off_the_skull():
    for index in INDICES:
        parts = phantom_drawing.draw_parts(0, GLIOMA, index, 128)
        border = parts.cranium & ~ndimage.binary_erosion(parts.cranium)
        assert not (parts.lesion & border).any()
        assert abs(_centre(parts.lesion) - _centre(parts.head))[1] > 0.08


def test_lesions_take_up_contrast_and_glioma_has_a_dark_core():
    for index in INDICES:
        for label in (MENINGIOMA, PITUITARY, GLIOMA):
            parts = phantom_drawing.draw_parts(0, label, index, 128)
            image = parts.image.astype(float)
            brain = np.median(image[parts.cranium & ~parts.lesion])
            shell = parts.lesion & ~ndimage.binary_erosion(parts.lesion, iterations=6)
            inner = ndimage.binary_erosion(parts.lesion, iterations=3)
            if label == GLIOMA:
                # A ring: somewhere inside it is darker than brain, its border brighter.
                assert np.percentile(image[shell], 80) > brain * 1.15
                assert np.percentile(image[inner], 3) < brain * 0.9
                assert image[parts.lesion].std() > 0.2 * image[parts.lesion].mean()
            else:
                assert image[inner].mean() > brain * 1.15
                assert image[inner].std() < 0.15 * image[inner].mean()


def test_anatomy_is_the_same_at_every_size():
    for label in range(4):
        small, lesion = phantom_drawing.draw(0, label, 3, 32)
        large, large_lesion = phantom_drawing.draw(0, label, 3, 128)
        reduced = large.reshape(32, 4, 32, 4).mean(axis=(1, 3))
        assert np.corrcoef(small.ravel(), reduced.ravel())[0, 1] > 0.985
        np.testing.assert_allclose(lesion.mean(), large_lesion.mean(), atol=0.01)


def test_background_is_rician_never_negative_noise():
    image, _ = phantom_drawing.draw(0, NOTUMOR, 0, 128)
    corner = image[:12, :12].astype(float)
    assert corner.std() > 0.5
    assert corner.mean() > corner.std()  # Rayleigh: mean / deviation = 1.91


@pytest.mark.parametrize(("label", "size"), [(4, 32), (-1, 32), (0, 8)])
def test_refuses_what_it_cannot_draw(label, size):
    with pytest.raises(ValueError, match=r"label|px"):
        phantom_drawing.draw(0, label, 0, size)
