import numpy as np
import pytest

from synthmed_jax.data import first_sight
from synthmed_jax.data.alignment import Details, details_of_all, largest_shift
from synthmed_jax.data.first_sight import CANDIDATES, LEAST, find_candidates
from tests.data.scenes import scenes


@pytest.mark.parametrize("side", [16, 32, 48, 64])
def test_candidates_hold_the_image_that_was_shifted(side):
    shift = largest_shift(side)
    large = scenes(300, side + 8)
    whole = details_of_all(large[:, 4:-4, 4:-4])
    for move in ((shift, shift), (-shift, 0), (1, -1), (0, 0)):
        moved = large[:, 4 + move[0] : 4 + side + move[0], 4 + move[1] : 4 + side + move[1]]
        pairs = find_candidates(details_of_all(moved), whole)
        own = pairs[pairs[:, 0] == pairs[:, 1]]
        assert len(own) >= 0.99 * len(large), move
        assert np.bincount(pairs[:, 0]).max() <= CANDIDATES


def test_pairs_within_a_set_are_listed_once_and_never_an_image_with_itself():
    images = scenes(40, 32)
    images[1::2] = images[::2]
    details = details_of_all(images)
    pairs = find_candidates(details, details, same=True)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)
    assert {(i, i + 1) for i in range(0, 40, 2)} <= {tuple(pair) for pair in pairs.tolist()}


def test_one_image_has_no_candidate():
    details = details_of_all(scenes(1, 32))
    assert find_candidates(details, details, same=True).shape == (0, 2)


@pytest.mark.parametrize("same", [True, False])
def test_the_candidates_are_the_most_alike_of_all_however_they_are_taken_in_blocks(
    monkeypatch, same
):
    images = np.repeat(scenes(15, 32), 12, axis=0)  # more that are alike than candidates
    images = images + np.random.default_rng(0).integers(0, 60, images.shape, dtype=np.uint8)
    queries = details_of_all(images)
    references = queries if same else Details(images, np.arange(1, 180, 2))

    alike = np.max(
        [
            first_sight.thumbnails(queries[:]) @ shifted.T
            for shifted in first_sight.shifted_thumbnails(references[:])
        ],
        axis=0,
    )
    if same:
        np.fill_diagonal(alike, -1)
    nearest = np.argsort(-alike, axis=1)[:, :CANDIDATES]
    expected = {
        (min(row, column), max(row, column)) if same else (row, column)
        for row, columns in enumerate(nearest.tolist())
        for column in columns
        if alike[row, column] > LEAST
    }
    assert len(expected) > 180
    for block, some in ((1024, 16384), (7, 40), (1, 1), (180, 90)):
        monkeypatch.setattr(first_sight, "_BLOCK", block)
        monkeypatch.setattr(first_sight, "_QUERIES", some)
        pairs = find_candidates(queries, references, same=same).tolist()
        assert sorted(map(tuple, pairs)) == sorted(expected), (block, some)
