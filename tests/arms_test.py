import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synthmed_jax import arms
from synthmed_jax.arms import (
    ARMS,
    AUGMENTED,
    FILTERED,
    MIXED,
    MIXED_MORE,
    REAL,
    REAL_AUGMENTED,
    REAL_REPEATED,
    SHUFFLED,
    SYNTHETIC,
    Materials,
    deal_labels,
)
from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.estimands import ESTIMANDS

NAMES = ("a", "b")


def image_set(labels, folder):
    labels = np.asarray(labels, np.int32)
    images = np.zeros((len(labels), 4, 4, 1), np.uint8)
    return ImageSet(images, labels, tuple(f"{folder}/{i}" for i in range(len(labels))), NAMES)


@pytest.fixture
def materials():
    fit, val = image_set([0, 0, 1], "fit"), image_set([1], "val")
    parts = Parts(fit, val, np.array([7, 7, 8]))
    labels = np.repeat([0, 1], 8)
    return Materials(
        parts,
        (8, 8),
        lambda: image_set(labels, "synthetic"),
        filtered=lambda: image_set(labels, "filtered"),
    )


@pytest.mark.parametrize("name", ARMS)
def test_arms_say_how_many_synthetic_images_they_take_for_each_real_one(materials, name):
    arm = ARMS[name]
    if arm.per_real:
        built = arm.build(materials)
        is_synthetic = np.asarray(built.origins) == SYNTHETIC
        found = np.bincount(built.images.labels[is_synthetic], minlength=2)
        assert found.tolist() == [2 * arm.per_real, arm.per_real]


def test_most_that_is_taken_is_of_the_largest_class(materials):
    fit = materials.parts.fit
    assert arms.most_taken((REAL, SYNTHETIC), fit) == 0
    assert arms.most_taken((REAL, MIXED), fit) == 2
    assert arms.most_taken((MIXED, MIXED_MORE), fit) == 8


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
    sizes = {name: len(arm.sizes(planned).labels) for name, arm in ARMS.items()}
    assert sizes == {
        SYNTHETIC: 16, REAL: 3, REAL_AUGMENTED: 3, MIXED: 6, MIXED_MORE: 15, REAL_REPEATED: 6,
        SHUFFLED: 16, FILTERED: 16,
    }  # fmt: skip


def test_counts_by_class_are_the_sizes_of_the_synthetic_arm_and_no_others(materials):
    by_class = Materials(materials.parts, (1, 4), lambda: image_set([0, 1, 1, 1, 1], "synthetic"))
    sizes, built = ARMS[SYNTHETIC].sizes(by_class), ARMS[SYNTHETIC].build(by_class)
    assert (sizes.n, sizes.ratio, sizes.groups) == ((1, 4), math.inf, None)
    assert sizes.labels.tolist() == built.images.labels.tolist() == [0, 1, 1, 1, 1]
    of_real, plain = ARMS[REAL].sizes(by_class), ARMS[REAL].sizes(materials)
    assert (of_real.n, of_real.ratio) == (plain.n, plain.ratio) == (None, 0.0)
    np.testing.assert_array_equal(of_real.labels, plain.labels)


@pytest.mark.parametrize(("name", "ratio"), [(MIXED, 1), (MIXED_MORE, 4)])
def test_a_mixture_has_so_many_synthetic_images_for_each_real_one(materials, name, ratio):
    built = ARMS[name].build(materials).images
    assert built.files[:3] == ("fit/0", "fit/1", "fit/2")
    # Two of the first class, one of the second, each of these so often; the first ones drawn.
    first, second = range(2 * ratio), range(8, 8 + ratio)
    assert built.files[3:] == tuple(f"synthetic/{i}" for i in (*first, *second))
    assert np.bincount(built.labels).tolist() == [2 + 2 * ratio, 1 + ratio]


def test_a_mixture_that_takes_more_than_are_drawn_is_refused(materials):
    few = Materials(materials.parts, (8, 3), materials.synthetic)
    with pytest.raises(
        UserError,
        match=r"arms=mixed_1to4 takes 4 .* of b, and 3 are drawn: .*per_class=8, or leave",
    ):
        ARMS[MIXED_MORE].sizes(few)


def test_synthetic_images_are_of_no_patient(materials):
    groups = ARMS[MIXED].sizes(materials).groups
    assert groups.tolist() == [7, 7, 8, 9, 10, 11]


def test_one_arm_alone_is_dealt_labels():
    assert [name for name, arm in ARMS.items() if not arm.learns] == [SHUFFLED]


@example(counts=[3, 3, 3, 19], seed=0)
@given(counts=st.lists(st.integers(1, 40), min_size=2, max_size=5), seed=st.integers(0, 10**6))
def test_dealt_labels_tell_nothing_of_the_classes(counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    images = image_set(labels, "synthetic")
    dealt = deal_labels(images, seed)
    assert dealt.files == images.files
    together = np.zeros((len(counts), len(counts)))
    np.add.at(together, (labels, dealt.labels), 1)
    np.testing.assert_array_equal(together.sum(axis=0), counts)  # the same labels
    expected = np.outer(counts, counts) / sum(counts)
    # Less than one at either end of a class; the first and the last class have one end alone.
    off = np.abs(together - expected)
    assert off.max() < 2
    assert off[[0, -1]].max() < 1
    assert off.max() <= 1 or len(set(counts)) > 1


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_turns_are_in_proportion_from_the_start(counts):
    turns = arms._turns(np.asarray(counts))
    had = np.cumsum(np.eye(len(counts))[turns], axis=0)
    share = np.outer(np.arange(1, sum(counts) + 1), counts) / sum(counts)
    worst = 1 - 1 / max(2 * len(counts) - 2, 1)
    assert np.abs(had - share).max() <= worst + 1e-9
    np.testing.assert_array_equal(had[-1], counts)


def test_turns_of_equal_counts_go_round():
    assert arms._turns(np.asarray([2, 2, 2])).tolist() == [0, 1, 2, 0, 1, 2]


def test_each_seed_deals_anew():
    images = image_set(np.arange(40) % 2, "synthetic")
    one, same, other = (deal_labels(images, seed).labels for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_arms_that_are_compared_are_augmented_alike():
    compared = {arm for each in ESTIMANDS for arm in (*each.first, *each.second)}
    assert compared - AUGMENTED["all"] == {REAL}
    assert set(ARMS) - AUGMENTED["all"] == {REAL, REAL_REPEATED}
    assert AUGMENTED["real_augmented"] == {REAL_AUGMENTED}


def test_real_images_keep_their_groups(materials):
    np.testing.assert_array_equal(ARMS[REAL].build(materials).groups, [7, 7, 8])
    assert ARMS[SYNTHETIC].build(materials).groups is None


def test_the_filtered_arm_learns_from_what_the_filter_left(materials):
    built = ARMS[FILTERED].build(materials)
    assert built.images.files == tuple(f"filtered/{i}" for i in range(16))
