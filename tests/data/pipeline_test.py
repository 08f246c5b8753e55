import jax
import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.pipeline import augment, batches, draws, gather
from synthmed_jax.data.settings import FLIPS, Augmentation
from synthmed_jax.errors import UserError

NONE = Augmentation("none", 0)


def make_set(count: int, size: int = 4, channels: int = 1) -> ImageSet:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, size, size, channels), dtype=np.uint8)
    pixels[:, 0, 0, 0] = np.arange(count)
    labels = np.arange(count, dtype=np.int32) % 3
    return ImageSet(pixels, labels, tuple(map(str, range(count))), ("a", "b", "c"))


def test_every_epoch_covers_every_image_once_in_another_order():
    images = make_set(12)
    dataset = batches(images, 4, 0, NONE)
    epochs = [
        np.concatenate([dataset[step]["image"][:, 0, 0, 0] for step in range(start, start + 3)])
        for start in (0, 3, 6)
    ]
    for epoch in epochs:
        assert sorted(epoch) == list(range(12))
    assert epochs[0].tolist() != epochs[1].tolist()
    assert epochs[0].tolist() != list(range(12))


def test_nothing_is_dropped_where_batches_straddle_epochs():
    dataset = batches(make_set(10), 4, 0, NONE)
    seen = np.concatenate([dataset[step]["image"][:, 0, 0, 0] for step in range(5)])
    assert (np.bincount(seen) == 2).all()


def test_types_and_labels_go_with_their_images():
    images = make_set(9, size=5, channels=3)
    batch = batches(images, 4, 0, Augmentation("dihedral", 1))[0]
    assert batch["image"].shape == (4, 5, 5, 3)
    assert batch["image"].dtype == np.uint8
    assert batch["label"].dtype == np.int32
    plain = batches(images, 4, 0, NONE)[0]
    np.testing.assert_array_equal(plain["label"], images.labels[plain["image"][:, 0, 0, 0]])


def test_any_step_can_be_asked_for_alone():
    images, augmentation = make_set(11), Augmentation("dihedral", 2)
    dataset = batches(images, 4, 7, augmentation)
    walked = [dataset[step] for step in range(20)]
    fresh = batches(images, 4, 7, augmentation)
    for step in (19, 3, 12):
        for field in ("image", "label"):
            np.testing.assert_array_equal(fresh[step][field], walked[step][field])
    other = batches(images, 4, 8, augmentation)
    assert any((other[step]["image"] != walked[step]["image"]).any() for step in range(3))
    assert dataset[10**6]["image"].shape == (4, 4, 4, 1)


def test_the_source_is_not_changed():
    images = make_set(8)
    images.images.flags.writeable = False  # as a memory-mapped file is
    before = images.images.copy()
    dataset = batches(images, 4, 0, Augmentation("dihedral", 2))
    for step in range(10):
        dataset[step]["image"][:] = 0
    np.testing.assert_array_equal(images.images, before)


@pytest.mark.parametrize(("flips", "expected"), [("none", 1), ("horizontal", 2), ("dihedral", 8)])
def test_flips_give_each_symmetry_equally_often(flips, expected):
    image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    count = 4000
    out = augment(np.repeat(image, count, 0), np.random.default_rng(0), Augmentation(flips, 0))
    kinds, uses = np.unique(out.reshape(count, -1), axis=0, return_counts=True)
    assert len(kinds) == expected
    # Five standard deviations of a binomial count.
    share = 1 / expected
    assert np.abs(uses - count * share).max() <= 5 * np.sqrt(count * share * (1 - share))
    square = image[0, :, :, 0]
    group = [np.rot90(square, k) for k in range(4)] + [np.rot90(square.T, k) for k in range(4)]
    if flips == "horizontal":
        group = [square, square[:, ::-1]]
    assert {tuple(kind) for kind in kinds} <= {tuple(g.ravel()) for g in group}


def test_shift_moves_whole_pixels_and_repeats_the_edge():
    image = np.arange(25, dtype=np.uint8).reshape(1, 5, 5, 1)
    out = augment(np.repeat(image, 2000, 0), np.random.default_rng(0), Augmentation("none", 1))
    padded = np.pad(image[0, :, :, 0], 1, mode="edge")
    expected = {
        tuple(padded[row : row + 5, column : column + 5].ravel())
        for row in range(3)
        for column in range(3)
    }
    assert {tuple(one.ravel()) for one in out} == expected


def test_images_of_a_batch_vary_by_themselves():
    images = np.repeat(np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1), 32, 0)
    out = augment(images, np.random.default_rng(0), Augmentation("horizontal", 2))
    assert len({one.tobytes() for one in out}) > 5


def one_after_the_other(images, rng, flips, shift):
    """What augment does, image by image."""
    count = len(images)
    mirrored = rng.random(count) < 0.5 if flips != "none" else np.zeros(count)
    flipped = rng.random(count) < 0.5 if flips == "dihedral" else np.zeros(count)
    transposed = rng.random(count) < 0.5 if flips == "dihedral" else np.zeros(count)
    down, right = (
        rng.integers(-shift, shift + 1, (2, count)) if shift else np.zeros((2, count), int)
    )
    out = []
    for i, image in enumerate(images):
        image = image[:, ::-1] if mirrored[i] else image
        image = image[::-1] if flipped[i] else image
        image = image.swapaxes(0, 1) if transposed[i] else image
        padded = np.pad(image, ((shift, shift), (shift, shift), (0, 0)), mode="edge")
        padded = np.roll(padded, (down[i], right[i]), (0, 1))
        out.append(padded[shift:-shift, shift:-shift] if shift else padded)
    return np.stack(out)


@pytest.mark.parametrize("shift", [0, 1, 3])
@pytest.mark.parametrize("flips", FLIPS)
def test_devices_gather_the_pixels_that_the_host_would(flips, shift):
    images, augmentation = make_set(50, size=7, channels=3), Augmentation(flips, shift)
    on_host = batches(images, 16, 5, augmentation)
    drawn = draws(len(images), 16, 5, augmentation)
    on_device, look_up = jax.device_put(images.images), jax.jit(gather)
    for step in (*range(8), 10**6):
        draw = drawn[step]
        pixels = np.asarray(look_up(on_device, draw["index"], draw["moves"]))
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, on_host[step]["image"])
        np.testing.assert_array_equal(images.labels[draw["index"]], on_host[step]["label"])
    expected = one_after_the_other(images.images, np.random.default_rng(3), flips, shift)
    found = augment(images.images, np.random.default_rng(3), augmentation)
    np.testing.assert_array_equal(found, expected)


def test_what_can_not_be_batched():
    for count, batch_size in [(0, 4), (3, 0)]:
        with pytest.raises(UserError, match=f"batches of {batch_size} from {count} "):
            batches(make_set(count), batch_size, 0, NONE)


def test_a_batch_larger_than_the_set_repeats_it():
    batch = batches(make_set(3), 7, 0, NONE)[0]
    counts = np.unique(batch["image"].reshape(7, -1), axis=0, return_counts=True)[1]
    assert sorted(counts) == [2, 2, 3]
