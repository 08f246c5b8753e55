import json

import numpy as np
import pytest
from scipy import fft

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation import floors
from synthmed_jax.evaluation.floors import FEATURES, measure_floors
from synthmed_jax.results.floors import Floors


def image_set(images, labels):
    files = tuple(f"{i}.png" for i in range(len(labels)))
    return ImageSet(images, np.asarray(labels, np.int32), files, ("a", "b", "c"))


def noise(n, channels=1, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_histogram_is_numpys(channels):
    images = noise(4, channels)
    for image, found in zip(images, floors.histogram(images), strict=True):
        expected = [np.histogram(image[..., c], 16, (0, 256))[0] for c in range(channels)]
        np.testing.assert_allclose(found, np.concatenate(expected) / 64)


def test_a_thumbnail_is_of_means():
    images = noise(2, 3)
    expected = images.reshape(2, 4, 2, 4, 2, 3).mean(axis=(2, 4)).reshape(2, -1)
    np.testing.assert_allclose(floors.thumbnail(images), expected)
    assert floors.thumbnail(noise(2, 1, side=3)).shape == (2, 9)
    assert floors.thumbnail(noise(2, 1, side=10)).shape == (2, 16)


def test_the_ring_sees_nothing_of_the_inside():
    images = noise(3, 3)
    ring = floors.ring(images)
    assert ring.shape == (3, (4 * 8 - 4) * 3)
    images[:, 1:-1, 1:-1] = 7
    np.testing.assert_array_equal(floors.ring(images), ring)


def test_the_corners_see_nothing_of_the_rest():
    images = noise(3, 3, side=16)
    corners = floors.corners(images)
    assert corners.shape == (3, 4 * 2**2 * 3)
    images[:, 2:14], images[:, :, 2:14] = 7, 7
    np.testing.assert_array_equal(floors.corners(images), corners)


def disc(radius, background):
    y, x = np.mgrid[:32, :32]
    image = np.where((y - 15.5) ** 2 + (x - 15.5) ** 2 < radius**2, 230, background)
    return image[..., None].astype(np.uint8)


def test_the_background_is_told_by_its_levels_and_not_by_its_shape():
    even, lifted = np.full((32, 32), 20), np.full((32, 32), 40)
    small, large, other = floors.background(
        np.stack([disc(6, even), disc(11, even), disc(6, lifted)])
    )
    np.testing.assert_array_equal(small, large)
    np.testing.assert_array_equal(small, [20] * 5 + [0] * 4)
    np.testing.assert_array_equal(other, [40] * 5 + [0] * 4)


def test_the_background_is_told_by_its_steps():
    striped = np.full((32, 32), 20) + 10 * (np.arange(32) % 2)
    found = floors.background(disc(6, striped)[None])
    assert sorted({*found[0, :5]}) == [20, 25, 30]
    np.testing.assert_array_equal(found[0, 5:], 10)


def test_an_image_without_a_background_says_so():
    full = np.zeros((1, 8, 8, 3), np.uint8)
    full[:, ::2] = 255
    np.testing.assert_array_equal(floors.background(full), np.full((1, 27), -1))


def test_low_frequencies_are_blind_to_high_ones():
    checkerboard = (np.indices((16, 16)).sum(axis=0) % 2 * 200).astype(np.uint8)
    low = floors.low_frequencies(checkerboard[None, :, :, None])
    assert low[0, 0] == pytest.approx(100 * 16, rel=1e-5)  # the mean
    spectrum = fft.dctn(checkerboard.astype(float), norm="ortho")
    assert (low**2).sum() < 0.55 * (spectrum**2).sum()


def lit_at(place, n, seed):
    """Noise of three classes, brighter for each in one pixel alone."""
    images, labels = noise(n, side=16, seed=seed) // 4, np.arange(n) % 3
    images[:, place, place, 0] = 90 + 80 * labels
    return image_set(images, labels)


def test_each_floor_sees_what_it_is_named_after():
    shown = {f.features: f.accuracy for f in floors_of(lit_at(0, 200, 1), lit_at(0, 90, 2)).floors}
    hidden = {f.features: f.accuracy for f in floors_of(lit_at(7, 200, 1), lit_at(7, 90, 2)).floors}
    assert shown["ring"] > 0.8
    assert hidden["ring"] < 0.5
    assert hidden["pixels"] > 0.6
    assert list(shown) == ["majority", *FEATURES]


def floors_of(training, test, groups=None, **networks):
    return measure_floors({"real": training}, test, networks, groups, seed=0)


def test_the_majority_is_that_of_the_training_set():
    training = image_set(noise(9), [0, 0, 0, 0, 1, 1, 2, 2, 2])
    majority = floors_of(training, image_set(noise(4, seed=1), [0, 1, 1, 2])).floors[0]
    assert (majority.accuracy, majority.balanced_accuracy) == (0.25, pytest.approx(1 / 3))
    assert majority.num_train == 9
    assert majority.network_ahead is None


def test_a_region_is_held_against_the_majority_and_others_are_not():
    found = {f.features: f for f in floors_of(lit_at(0, 200, 1), lit_at(0, 90, 2)).floors}
    assert {name for name, f in found.items() if f.above_majority} == {
        "ring", "corners", "background"
    }  # fmt: skip
    above = found["corners"].above_majority
    assert above.estimate == pytest.approx(found["corners"].balanced_accuracy - 1 / 3)
    assert above.low > 0.3
    assert above.level == pytest.approx(1 - 0.05 / 3)  # one arm
    hidden = {f.features: f for f in floors_of(lit_at(7, 200, 1), lit_at(7, 90, 2)).floors}
    assert not hidden["corners"].above_majority.is_above(0)
    assert not hidden["ring"].above_majority.is_above(0)


def test_a_network_is_held_against_the_floor_of_its_own_arm():
    training, test = lit_at(7, 60, 1), lit_at(7, 90, 2)
    found = measure_floors(
        {"real": training, "synthetic": training},
        test,
        {"real": np.ones(90)},
        np.arange(90) // 3,
        0,
    )
    by = {(floor.arm, floor.features): floor for floor in found.floors}
    assert by["synthetic", "majority"].network_ahead is None
    ahead = by["real", "majority"].network_ahead
    assert ahead.estimate == pytest.approx(2 / 3)
    assert ahead.num_groups == 30
    assert (found.unit, found.side, found.trees) == ("group", 16, 300)
    assert by["real", "ring"].network_ahead.estimate == pytest.approx(
        1 - by["real", "ring"].balanced_accuracy
    )


def test_they_follow_their_seed_and_are_read_as_they_were_written(tmp_path):
    training, test = lit_at(3, 60, 1), lit_at(3, 30, 2)
    found = floors_of(training, test, real=np.ones(30))
    assert floors_of(training, test, real=np.ones(30)) == found
    found.write(tmp_path / "floors.json")
    assert Floors.read(tmp_path / "floors.json") == found
    assert "version" not in json.loads((tmp_path / "floors.json").read_text())
