import numpy as np
import pytest

from synthmed_jax.audit.copy_filter import Candidates, at_their_places, top_up
from synthmed_jax.data.image_set import ImageSet

BLOCK = 4


def draw(index):
    """Images of one pixel whose grey level is their index."""
    return index.astype(np.uint8).reshape(-1, 1, 1, 1)


def looker(copies, calls, off_class=()):
    """Flags the images whose grey level is among `copies`; notes how many it was shown."""

    def look(images):
        levels = images.ravel()
        calls.append(len(levels))
        return Candidates(
            images,
            {"alike_aligned": levels / 255},
            {"copies": np.isin(levels, copies), "off_class": np.isin(levels, off_class)},
        )

    return look


@pytest.mark.parametrize(
    ("copies", "looked_at", "kept"),
    [
        ((), [6], [0, 1, 2, 3, 4, 5]),
        ((0, 4), [6, 2], [1, 2, 3, 5, 6, 7]),
        ((1, 2, 6, 7), [6, 2, 4], [0, 3, 4, 5, 8, 9]),
    ],
)
def test_as_many_are_kept_as_were_wanted_in_whole_blocks(copies, looked_at, kept):
    calls = []
    found = top_up(draw(np.arange(6)), draw, looker(copies, calls), BLOCK, most=100)
    assert calls == looked_at
    assert np.flatnonzero(found.kept(6)).tolist() == kept
    # Whatever was looked at has its score, in the order of indices.
    np.testing.assert_array_equal(found.images.ravel(), np.arange(sum(looked_at)))
    np.testing.assert_array_equal(found.scores["alike_aligned"], np.arange(sum(looked_at)) / 255)


def test_either_reason_leaves_an_image_out():
    look = looker((0, 1), [], off_class=(1, 5))
    found = top_up(draw(np.arange(6)), draw, look, BLOCK, most=100)
    assert np.flatnonzero(found.kept(6)).tolist() == [2, 3, 4, 6, 7, 8]
    counted = {reason: each.sum() for reason, each in found.reasons.items()}
    assert counted == {"copies": 2, "off_class": 2}


def test_a_generator_of_copies_alone_comes_to_an_end():
    found = top_up(draw(np.arange(6)), draw, looker(range(256), []), BLOCK, most=18)
    assert len(found.images) == 20
    assert not found.kept(6).any()


def test_blocks_begin_where_generate_begins_them():
    starts = []

    def noted(index):
        starts.append((int(index[0]), len(index)))
        return draw(index)

    top_up(draw(np.arange(6)), noted, looker(range(8), []), BLOCK, most=100)
    assert starts == [(4, 4), (8, 4), (12, 4)]


def named(files, labels):
    images = np.arange(len(files), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return ImageSet(images, np.array(labels, np.int32), files, ("a", "b"))


def test_images_keep_their_places_and_others_of_the_class_fill_the_gaps():
    before = named(("a0", "a1", "a2", "b0", "b1"), [0, 0, 0, 1, 1])
    after = named(("a0", "a2", "a5", "b3", "b4"), [0, 0, 0, 1, 1])
    placed = at_their_places(after, before)
    assert placed.files == ("a0", "a5", "a2", "b3", "b4")
    np.testing.assert_array_equal(placed.labels, before.labels)
    assert placed.images.ravel().tolist() == [0, 2, 1, 3, 4]
    assert at_their_places(before, before).files == before.files
