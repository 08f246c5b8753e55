import numpy as np
import pytest

from synthmed_jax.data.alike import SHOWN, count_alike
from synthmed_jax.data.copies import Parted
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.near_duplicates import Duplicates
from synthmed_jax.results.leakage import AlikePair, ClassLinks

FIT, VAL, HELD_OUT = range(3)
NAMES = ("fit", "val", "test")
# class, part, first image with the same pixels, component
PLANTED = [
    (0, FIT, 0, 0),
    (0, FIT, 0, 0),  # a twin, of no harm
    (0, HELD_OUT, 0, 0),  # a twin of a fit image
    (0, HELD_OUT, 3, 0),  # a near-duplicate of it
    (0, VAL, 4, 1),
    (0, HELD_OUT, 4, 1),  # a twin of a val image
    (0, HELD_OUT, 6, 2),
    (1, HELD_OUT, 0, 0),  # a twin of a fit image of the other class
    (1, FIT, 8, 3),
    (1, VAL, 9, 3),  # a near-duplicate of a fit image
    (1, HELD_OUT, 10, 3),
]


@pytest.fixture
def counted():
    labels, parts, twins, components = (np.asarray(column) for column in zip(*PLANTED, strict=True))
    files = tuple(f"{label}/{i}" for i, label in enumerate(labels))
    pixels = np.zeros((len(files), 1, 1, 1), np.uint8)
    whole = ImageSet(pixels, labels.astype(np.int32), files, ("a", "b"))
    pairs, alike = np.asarray([(0, 3), (8, 9), (9, 10)]), np.asarray([0.9, 0.8, 0.7])
    parted = Parted(*(np.flatnonzero(parts == part) for part in (FIT, VAL, HELD_OUT)))
    found = Duplicates(0.6, twins, components, pairs, alike)
    return count_alike(whole, found, parted, NAMES, {"unchanged": 1.0}, 5)


def test_twins_are_counted_in_classes_and_across_parts(counted):
    assert counted.twins == {"a": ClassLinks(3, 0, 1, 2), "b": ClassLinks(0, 0, 1, 1)}
    assert (counted.redundant_twins, counted.twins_held_out) == (3, 3)


def test_near_duplicates_are_counted_by_component(counted):
    assert counted.near_duplicates == {"a": ClassLinks(4, 0, 2, 3), "b": ClassLinks(2, 1, 2, 2)}
    assert (counted.near_held_out, counted.near_val) == (5, 1)
    assert (counted.components, counted.largest) == (3, 5)


def test_pairs_under_two_labels_are_named(counted):
    assert counted.num_conflicts == 2
    assert counted.conflicts == (
        AlikePair("0/0", "1/7", ("a", "b"), ("fit", "test"), 1.0),
        AlikePair("1/7", "0/3", ("b", "a"), ("test", "test"), 0.9),
    )


def test_pairs_across_parts_are_listed_from_the_most_alike_on(counted):
    assert [(each.first, each.second, each.parts) for each in counted.across] == [
        ("0/0", "0/2", ("fit", "test")),
        ("0/4", "0/5", ("val", "test")),
        ("0/0", "0/3", ("fit", "test")),
        ("1/8", "1/9", ("fit", "val")),
        ("1/9", "1/10", ("val", "test")),
    ]
    assert [each.correlation for each in counted.across] == [1, 1, 0.9, 0.8, 0.7]


def test_of_many_pairs_a_few_are_listed_to_the_last():
    count = 100
    twins = np.arange(2 * count)
    pairs = np.stack([np.arange(count), np.arange(count) + count], axis=1)
    alike = np.linspace(0.99, 0.6, count)
    found = Duplicates(0.5, twins, twins % count, pairs, alike)
    files = tuple(map(str, range(2 * count)))
    whole = ImageSet(
        np.zeros((2 * count, 1, 1, 1), np.uint8), np.zeros(2 * count, int), files, ("a",)
    )
    parted = Parted(np.arange(count), np.zeros(0, int), np.arange(count, 2 * count))
    across = count_alike(whole, found, parted, NAMES, {}, count).across
    assert len(across) == SHOWN
    assert (across[0].correlation, across[-1].correlation) == (0.99, 0.6)
