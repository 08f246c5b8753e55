import math

import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation import without_duplicates
from synthmed_jax.files import write_array
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.without_duplicates import ShareRight, WithoutDuplicates

CELL = Cell("resnet18", "synthetic", 10, math.inf, 0)
LABELS = np.asarray([0, 0, 0, 1], np.int32)


@pytest.fixture
def images():
    pixels = np.zeros((4, 2, 2, 1), np.uint8)
    return ImageSet(pixels, LABELS, tuple("abcd"), ("dark", "light"))


@pytest.fixture
def folder(tmp_path):
    """Fold 0 is right on images 0 and 3, fold 1 on all."""
    called = np.asarray([[0, 1, 1, 1], LABELS])
    (tmp_path / "cells").mkdir()
    probabilities = np.eye(2, dtype=np.float32)[called]
    write_array(tmp_path / "cells" / "resnet18_synthetic_10_inf_0.npy", probabilities, "ab" * 32)
    return tmp_path


def test_images_with_a_duplicate_do_not_count(folder, images):
    new = np.asarray([False, True, True, True])
    beside = without_duplicates.score_new(folder, [CELL], images, new)
    assert (beside.num_test, beside.num_new) == (4, 3)
    (cell,) = beside.cells
    assert cell.cell == CELL
    assert cell.on_all == ShareRight((0.5 + 1) / 2, ((1 / 3 + 1) / 2 + 1) / 2)
    assert cell.on_new == ShareRight((1 / 3 + 1) / 2, ((0 + 1) / 2 + 1) / 2)
    beside.write(folder / "beside.json")
    assert WithoutDuplicates.read(folder / "beside.json") == beside


def test_where_no_image_is_new_nothing_is_scored(folder, images):
    beside = without_duplicates.score_new(folder, [CELL], images, np.zeros(4, bool))
    assert (beside.num_new, beside.cells[0].on_new) == (0, None)
