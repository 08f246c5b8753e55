"""Two networks on planted sets: one that has learned a tag in the corner, one that has not."""

import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.data import regions
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain.blanking import blank, probe_regions
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.statistics.intervals import Estimate

SIZE = 16
TAGGED = [0, 255]  # levels of the corner by class
IMPORTANCE = {"corners": Estimate(20, 0.6, 0.2, 0.5, 0.7)}


def image_set(corner, count=200):
    """A bright disc, larger in class 1 but in one image of ten, on dark noise, and a tag."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    y, x = np.mgrid[:SIZE, :SIZE]
    radius = np.where(rng.random(count) < 0.1, 1 - labels, labels) + 3
    disc = (y - 7.5) ** 2 + (x - 7.5) ** 2 < radius[:, None, None] ** 2
    images = rng.integers(0, 40, (count, SIZE, SIZE)) + 180 * disc
    if corner is not None:
        images[:, :2, :2] = np.array(corner)[labels][:, None, None]
    files = tuple(f"{i}.png" for i in range(count))
    return ImageSet(images[..., None].astype(np.uint8), labels.astype(np.int32), files, ("a", "b"))


def predictor(weight_of_corner, weight_of_disc):
    def logits(_, images):
        grey = images[..., 0].astype(jnp.float32) / 255
        corner = grey[:, :2, :2].mean(axis=(1, 2)) - 0.5
        disc = grey[:, 3:13, 3:13].mean(axis=(1, 2)) - 0.41
        score = weight_of_corner * corner + weight_of_disc * disc
        return jnp.stack([-score, score], axis=-1)

    return Predictor(logits, jnp.zeros(()), batch_size=100)


BY_TAG, BY_DISC = predictor(1, 0), predictor(0, 1)


def probes(network, test, groups=None):
    return {p.region: p for p in probe_regions(network, test, groups, IMPORTANCE, seed=0)}


def test_a_network_that_has_learned_the_tag_loses_all_without_the_corners():
    found = probes(BY_TAG, image_set(TAGGED))
    corners = found["corners"]
    assert (corners.accuracy, corners.blanked_accuracy) == (1, 0.5)
    assert corners.loss.estimate == pytest.approx(0.5)
    assert corners.loss.low > 0.3
    assert corners.loss.level == pytest.approx(1 - 0.05 / 3)
    assert corners.area == 4 * 2**2 / SIZE**2
    assert corners.num_images == 200


def test_one_that_looks_at_the_disc_loses_nothing_whatever_is_tagged():
    for corner in (TAGGED, None):
        for probe in probes(BY_DISC, image_set(corner)).values():
            assert probe.accuracy > 0.85
            assert probe.loss.estimate == 0
            assert probe.blanked_accuracy == probe.accuracy


def test_importance_is_handed_on_where_it_is_known():
    found = probes(BY_DISC, image_set(None))
    assert found["corners"].importance == IMPORTANCE["corners"]
    assert found["ring"].importance == Estimate(0, None, None, None, None)


def test_intervals_are_over_groups():
    test = image_set(TAGGED)
    found = probes(BY_TAG, test, np.arange(len(test)) // 10)
    assert found["corners"].loss.num_groups == 20


def test_images_without_a_background_have_no_loss_there():
    test = image_set(None)
    full = test.images.copy()
    full[:, ::2], full[:, 1::2] = 250, 5  # stripes: whatever is background touches the rest
    found = probes(BY_DISC, ImageSet(full, test.labels, test.files, test.class_names))
    assert not regions.REGIONS["background"](full).any()
    assert found["background"].loss is None
    assert found["background"].blanked_accuracy == found["background"].accuracy


def test_a_blanked_area_is_alike_in_all_images_and_the_rest_is_left_alone():
    images = np.random.default_rng(1).integers(0, 256, (5, 4, 4, 3), np.uint8)
    areas = np.zeros((5, 4, 4), bool)
    areas[:, 0] = True
    areas[2:4, 1, 1] = True  # in two images alone
    found = blank(images, areas)
    np.testing.assert_array_equal(found[:, 2:], images[:, 2:])
    np.testing.assert_array_equal(found[:, 0], np.rint(images[:, :1].mean(axis=0)).repeat(5, 0))
    np.testing.assert_array_equal(
        found[2:4, 1, 1], np.rint(images[2:4, 1, 1].mean(0))[None].repeat(2, 0)
    )
    np.testing.assert_array_equal(found[[0, 1, 4], 1], images[[0, 1, 4], 1])
    assert found.dtype == np.uint8
