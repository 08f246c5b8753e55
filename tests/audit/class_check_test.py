import numpy as np
import pytest

from synthmed_jax.audit import class_check
from synthmed_jax.data.image_set import ImageSet

NAMES = ("dark", "light")


def images_of(labels, seed):
    """Noise about a grey level for each of two classes."""
    rng = np.random.default_rng(seed)
    levels = np.where(np.asarray(labels) == 0, 90, 150)[:, None, None, None]
    noisy = levels + rng.normal(0, 25, (len(labels), 8, 8, 1))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def image_set(labels, seed=0):
    files = tuple(str(i) for i in range(len(labels)))
    return ImageSet(images_of(labels, seed), np.asarray(labels, np.int32), files, NAMES)


@pytest.fixture(scope="module")
def check():
    return class_check.learn(image_set([0, 1] * 60), None, 0.05, 0)


def off_class(check, images, label):
    return check.probabilities(images)[:, label] < check.least[label]


@pytest.mark.parametrize("label", [0, 1])
def test_flipped_labels_are_off_class_and_honest_ones_mostly_not(check, label):
    honest, flipped = images_of([label] * 200, 1), images_of([1 - label] * 200, 2)
    assert off_class(check, flipped, label).mean() > 0.95
    assert off_class(check, honest, label).mean() < 0.2
    assert check.found[label] > 0.95


def test_where_classes_look_alike_no_wrong_label_is_said_to_be_seen():
    alike = image_set([0] * 120)
    mixed = ImageSet(alike.images, np.arange(120, dtype=np.int32) % 2, alike.files, NAMES)
    check = class_check.learn(mixed, None, 0.05, 0)
    assert check.found.max() < 0.3


def test_the_stated_share_of_real_images_is_off_class():
    fit = image_set([0, 1] * 60)
    least = [class_check.learn(fit, None, share, 0).least for share in (0.0, 0.05, 0.5)]
    assert (least[0] <= least[1]).all()
    assert (least[1] < least[2]).all()


def test_images_of_a_group_are_not_judged_by_each_other():
    # Labels that nothing shows, on images that are each there twice.
    rng = np.random.default_rng(3)
    once = rng.integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
    labels = np.tile(rng.permutation(np.arange(60) % 2), 2).astype(np.int32)
    fit = ImageSet(np.tile(once, (2, 1, 1, 1)), labels, tuple(map(str, range(120))), NAMES)
    apart = class_check.learn(fit, None, 0.1, 0)
    together = class_check.learn(fit, np.tile(np.arange(60), 2), 0.1, 0)
    assert apart.least.min() > together.least.max()


@pytest.mark.parametrize(
    ("labels", "groups", "why"),
    [
        ([0] * 5 + [1] * 5, None, ""),
        ([0] * 5 + [1] * 4, None, "class 'light' has 4 images in fit, and 5 are needed"),
        ([0] * 5 + [1] * 5, [0, 1, 2, 3, 4, 5, 5, 6, 7, 8], "class 'light' has 4 groups of images"),
    ],
)
def test_why_forests_can_not_be_asked(labels, groups, why):
    found = class_check.why_not(image_set(labels), None if groups is None else np.array(groups))
    assert found.startswith(why)
    assert bool(found) == bool(why)
