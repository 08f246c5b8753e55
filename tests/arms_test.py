import math

import numpy as np
import pytest

from synthmed_jax.arms import ARMS, REAL, SYNTHETIC, Materials
from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet

NAMES = ("a", "b")


def image_set(labels, folder):
    labels = np.asarray(labels, np.int32)
    images = np.zeros((len(labels), 4, 4, 1), np.uint8)
    return ImageSet(images, labels, tuple(f"{folder}/{i}" for i in range(len(labels))), NAMES)


@pytest.fixture
def materials():
    fit, val = image_set([0, 0, 1], "fit"), image_set([1], "val")
    parts = Parts(fit, val, np.array([7, 7, 8]))
    return Materials(parts, (3, 3), lambda: image_set([0, 0, 0, 1, 1, 1], "synthetic"))


@pytest.mark.parametrize("name", ARMS)
def test_what_is_planned_is_what_is_built(materials, name):
    arm = ARMS[name]
    sizes, built = arm.sizes(materials), arm.build(materials)
    assert arm.name == name
    assert arm.says
    np.testing.assert_array_equal(sizes.labels, built.images.labels)
    assert len(built.origins) == len(built.images)
    if sizes.groups is None:
        assert built.groups is None
    else:
        np.testing.assert_array_equal(sizes.groups, built.groups)
    counts = [built.origins.count(origin) for origin in (SYNTHETIC, REAL)]
    assert sizes.ratio == (counts[0] / counts[1] if counts[1] else math.inf)
    if sizes.n is not None:
        assert set(np.bincount(built.images.labels)) == {sizes.n}


def test_nothing_is_drawn_to_know_the_sizes(materials):
    def drawn():
        raise AssertionError("the synthetic set was read")

    planned = Materials(materials.parts, materials.counts, drawn)
    assert [len(arm.sizes(planned).labels) for arm in ARMS.values()] == [6, 3]


def test_counts_by_class_are_the_sizes_of_the_synthetic_arm_and_no_others(materials):
    by_class = Materials(materials.parts, (1, 4), lambda: image_set([0, 1, 1, 1, 1], "synthetic"))
    sizes, built = ARMS[SYNTHETIC].sizes(by_class), ARMS[SYNTHETIC].build(by_class)
    assert (sizes.n, sizes.ratio, sizes.groups) == ((1, 4), math.inf, None)
    assert sizes.labels.tolist() == built.images.labels.tolist() == [0, 1, 1, 1, 1]
    of_real, plain = ARMS[REAL].sizes(by_class), ARMS[REAL].sizes(materials)
    assert (of_real.n, of_real.ratio) == (plain.n, plain.ratio) == (None, 0.0)
    np.testing.assert_array_equal(of_real.labels, plain.labels)


def test_real_images_keep_their_groups(materials):
    np.testing.assert_array_equal(ARMS[REAL].build(materials).groups, [7, 7, 8])
    assert ARMS[SYNTHETIC].build(materials).groups is None
