import math
import pathlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synthmed_jax.results.cells import Cell, amount_of
from synthmed_jax.results.evaluation import BestNetwork

NAMES = st.text(st.characters(exclude_characters="/"), min_size=1)
CELLS = st.builds(
    Cell,
    backbone=NAMES,
    arm=NAMES,
    n=st.none() | st.integers(0) | st.lists(st.integers(0), min_size=2, max_size=5).map(amount_of),
    ratio=st.floats(0, allow_nan=False).map(abs),  # no minus zero
    seed=st.integers(0),
)


@given(CELLS)
@example(Cell("a", "b", 1, 1e-7, 0))
@example(Cell("a", "b", 1, 1 / 3, 0))
def test_a_path_and_its_cell_are_inverse(cell):
    assert Cell.from_path(cell.path) == cell
    assert Cell.from_path(cell.path).path == cell.path


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        (Cell("vgg16", "synthetic", 500, math.inf, 0), "vgg16/synthetic/500-inf-s0"),
        (Cell("vgg16", "real", None, 0.0, 7), "vgg16/real/all-0-s7"),
        (Cell("mobilenet_v2", "mixed", 20, 1.0, 0), "mobilenet_v2/mixed/20-1-s0"),
        (Cell("vgg16", "mixed", 20, 0.25, 0), "vgg16/mixed/20-0.25-s0"),
        (Cell("vgg16", "synthetic", (500, 20), math.inf, 0), "vgg16/synthetic/500+20-inf-s0"),
    ],
)
def test_paths_are_as_people_write_them(cell, path):
    assert cell.path == path
    assert cell.folder(pathlib.Path("classify"), "fold3") == pathlib.Path("classify", path, "fold3")


def test_counts_that_are_equal_are_one_number():
    assert amount_of((8, 8, 8)) == 8
    assert amount_of([8, 9, 8]) == (8, 9, 8)


def test_texts_are_in_the_order_of_the_fields():
    cell = Cell("vgg16", "real", None, 0.0, 7)
    assert [*cell.texts.items()] == [
        ("backbone", "vgg16"),
        ("arm", "real"),
        ("n", "all"),
        ("ratio", "0"),
        ("seed", "7"),
    ]


@pytest.mark.parametrize(
    "path",
    ["", "vgg16", "vgg16/real", "vgg16/real/all-0", "vgg16/real/all-0-7", "vgg16/real/all-nan-s0",
     "vgg16/real/some-0-s0",
     "vgg16/real/5+-0-s0", "vgg16/real/+5-0-s0", "vgg16/real/all+5-0-s0",
     "vgg16/real/-1-0-s0", "a/vgg16/real/all-0-s0", "vgg16//all-0-s0",
     "vgg16/real/all-0-s0/fold0", "vgg16/real/all-1.5.2-s0"],
)  # fmt: skip
def test_other_paths_are_no_cells(path):
    with pytest.raises(ValueError, match="no folder of a cell"):
        Cell.from_path(path)


def test_the_cell_of_a_network_is_the_cell_alone():
    cell = Cell("vgg16", "real", None, 0.0, 7)
    best = BestNetwork("vgg16", "real", None, 0.0, 7, fold=1, rule="any")
    assert type(best.cell) is Cell
    assert best.cell == cell != best
    assert best.path == cell.path
