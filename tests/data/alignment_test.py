import numpy as np
import pytest

from synthmed_jax.data import alignment
from tests.data.scenes import scenes


def every_pair(count: int) -> np.ndarray:
    return np.argwhere(np.ones((count, count), bool))


@pytest.mark.parametrize(("side", "small"), [(16, 16), (64, 64), (65, 33), (96, 48), (224, 56)])
def test_large_images_are_compared_at_64_pixels_at_most(side, small):
    details = alignment.details_of(scenes(2, side, channels=3))
    assert details.shape == (2, small, small)
    assert details.dtype == np.float32


def test_details_know_neither_brightness_nor_slow_changes():
    images = np.full((1, 64, 64, 1), 100, np.uint8)
    np.testing.assert_allclose(alignment.details_of(images), 0, atol=1e-4)
    ramp = np.linspace(20, 230, 64)[None, None, :, None] * np.ones((1, 64, 1, 1))
    inside = alignment.details_of(ramp.astype(np.uint8))[:, 16:-16, 16:-16]
    assert np.abs(inside).max() < 1


@pytest.mark.parametrize("side", [16, 32, 64])
def test_a_correlation_is_that_of_numpy_at_the_best_shift(side):
    shift = alignment.largest_shift(side)
    whole = alignment.details_of_all(scenes(3, side))
    found = alignment.correlate(whole, whole, every_pair(3)).reshape(3, 3)
    details = whole[:]
    inner = side - 2 * shift
    for i in range(3):
        middle = details[i, shift:-shift, shift:-shift].ravel()
        for j in range(3):
            parts = [
                details[j, y : y + inner, x : x + inner].ravel()
                for y in range(2 * shift + 1)
                for x in range(2 * shift + 1)
            ]
            expected = max(np.corrcoef(middle, part)[0, 1] for part in parts)
            assert found[i, j] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("down", "right"), [(0, 1), (2, -2), (-1, 2)])
def test_a_shifted_image_correlates_as_itself(down, right):
    large = scenes(4, 80)
    one = alignment.details_of_all(large[:, 8:72, 8:72])
    other = alignment.details_of_all(large[:, 8 + down : 72 + down, 8 + right : 72 + right])
    same = np.stack([np.arange(4)] * 2, axis=1)
    assert alignment.correlate(one, other, same).min() > 0.97
    assert alignment.correlate(one, other, [[0, 1], [1, 2]] * np.ones((2, 1), int)).max() < 0.5


def test_an_image_without_details_is_like_none():
    images = scenes(3, 32)
    images[1] = 90
    details = alignment.details_of_all(images)
    found = alignment.correlate(details, details, every_pair(3)).reshape(3, 3)
    assert found[1].tolist() == [0, 0, 0]
    assert found[:, 1].tolist() == [0, 0, 0]
    assert np.isfinite(found).all()


def test_details_are_of_the_rows_that_are_meant():
    images = scenes(9, 32)
    details = alignment.Details(images, np.array([7, 1, 4]))
    assert len(details) == 3
    expected = alignment.details_of(images)[[4, 4, 7]]
    np.testing.assert_array_equal(details[np.array([2, 2, 0])], expected)
    np.testing.assert_array_equal(details[1:], alignment.details_of(images)[[1, 4]])


def test_a_pair_is_compared_alike_in_a_block_of_pairs_and_alone(monkeypatch):
    details = alignment.details_of_all(scenes(12, 32))
    pairs = np.random.default_rng(0).permutation(every_pair(12))
    at_once = alignment.correlate(details, details, pairs)
    monkeypatch.setattr(alignment, "_BLOCK", 7)
    np.testing.assert_array_equal(alignment.correlate(details, details, pairs), at_once)
