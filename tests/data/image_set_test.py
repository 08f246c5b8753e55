import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet, concatenate


def make_set(count: int, first: int = 0) -> ImageSet:
    """`count` images of 2 x 2 pixels, each of one grey level: first, first + 1, ..."""
    levels = np.arange(first, first + count, dtype=np.uint8)
    pixels = np.broadcast_to(levels[:, None, None, None], (count, 2, 2, 1)).copy()
    labels = (levels % 2).astype(np.int32)
    return ImageSet(pixels, labels, tuple(f"{level}.png" for level in levels), ("even", "odd"))


@pytest.fixture(params=["in memory", "memory-mapped"])
def whole(request, tmp_path) -> ImageSet:
    images = make_set(5)
    if request.param == "in memory":
        return images
    np.save(tmp_path / "pixels.npy", images.images)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    return ImageSet(mapped, images.labels, images.files, images.class_names)


def test_every_class_is_counted_those_without_an_image_too():
    whole = make_set(5)
    assert whole.counts == {"even": 3, "odd": 2}
    assert whole.subset([1, 3]).counts == {"even": 0, "odd": 2}
    # They go into JSON.
    assert {type(count) for count in whole.counts.values()} == {int}


def same(one: ImageSet, two: ImageSet) -> bool:
    assert (one.images.dtype, one.labels.dtype) == (np.uint8, np.int32)
    assert (one.images.shape, one.labels.shape) == (two.images.shape, two.labels.shape)
    names = (one.files, one.class_names) == (two.files, two.class_names)
    return names and (one.images == two.images).all() and (one.labels == two.labels).all()


def test_subset_keeps_the_order_asked_for(whole):
    part = whole.subset([4, 0, 3])
    assert len(part) == 3
    assert part.files == ("4.png", "0.png", "3.png")
    assert part.labels.tolist() == [0, 0, 1]
    assert part.images[:, 0, 0, 0].tolist() == [4, 0, 3]
    assert part.class_names == whole.class_names
    assert same(part, whole.subset(np.array([4, 0, 3])))
    assert same(whole.subset(range(5)), whole)


def test_a_subset_is_a_copy_in_memory(whole):
    part = whole.subset([1, 2])
    assert type(part.images) is np.ndarray
    part.images[:] = 99  # the whole may be a read-only file
    assert whole.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("none", [[], np.array([], np.int64)])
def test_an_empty_subset_keeps_shape_types_and_classes(whole, none):
    empty = whole.subset(none)
    assert len(empty) == 0
    assert empty.images.shape == (0, 2, 2, 1)
    assert same(empty, make_set(0))


def test_an_image_that_is_not_there_is_an_error(whole):
    with pytest.raises(IndexError):
        whole.subset([5])


def test_concatenate_puts_one_after_the_other(whole):
    both = concatenate(whole, make_set(3, first=5))
    assert same(both, make_set(8))
    assert type(both.images) is np.ndarray
    assert same(concatenate(make_set(3, first=5), whole).subset([3, 4, 5, 6, 7]), whole)


def test_concatenate_with_an_empty_set_changes_nothing(whole):
    assert same(concatenate(whole, make_set(0)), whole)
    assert same(concatenate(make_set(0), whole), whole)
    assert len(concatenate(make_set(0), make_set(0))) == 0


def test_images_of_another_size_are_not_joined(whole):
    other = make_set(1)
    other = ImageSet(np.zeros((1, 3, 3, 1), np.uint8), other.labels, other.files, other.class_names)
    with pytest.raises(ValueError, match="dimension"):
        concatenate(whole, other)
