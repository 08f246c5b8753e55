import csv
import math

import numpy as np
import pytest

from synthmed_jax.csv_text import text_of
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import Damaged
from synthmed_jax.evaluation.predictions import FoldPredictions, read_answers, write_predictions
from synthmed_jax.results.cells import Cell


def test_predictions_are_written_one_line_per_image(tmp_path):
    files = ("x/1, odd.png", "y/2.png")
    test = ImageSet(np.zeros((2, 1, 1, 1), np.uint8), np.array([0, 1]), files, ("x", "y"))
    probabilities = np.array([[0.25, 0.75], [1 / 3, 2 / 3]], np.float32)
    networks = [
        FoldPredictions(Cell("resnet18", "synthetic", 500, math.inf, 0), 1, probabilities),
        FoldPredictions(Cell("resnet18", "real", None, 0.0, 7), 0, probabilities),
    ]
    path = tmp_path / "predictions.csv"
    write_predictions(path, test, networks)
    with path.open(newline="", encoding="utf-8") as file:
        first, second, third, _ = csv.DictReader(file)
    assert list(first) == [
        *("backbone", "arm", "n", "ratio", "seed", "fold"),
        *("file", "label", "predicted", "p_x", "p_y"),
    ]
    assert (first["n"], first["ratio"], first["seed"]) == ("500", "inf", "0")
    assert (third["n"], third["ratio"], third["seed"]) == ("all", "0", "7")
    assert (first["file"], first["label"], first["predicted"]) == ("x/1, odd.png", "x", "y")
    assert (second["fold"], second["p_x"], second["p_y"]) == ("1", "0.333333", "0.666667")
    assert [entry.name for entry in tmp_path.iterdir()] == ["predictions.csv"]


def test_names_of_files_break_no_row_and_are_no_formulas(tmp_path):
    files = ("cr\r.png", "=1+1.png", "-ve/\u2028.png")
    test = ImageSet(np.zeros((3, 1, 1, 1), np.uint8), np.array([0, 1, 0]), files, ("+ve", "-ve"))
    cell = Cell("resnet18", "real", None, 0.0, 7)
    path = tmp_path / "predictions.csv"
    write_predictions(path, test, [FoldPredictions(cell, 0, np.eye(3, 2))])
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3
    assert tuple(text_of(row["file"]) for row in rows) == files
    assert [text_of(row["label"]) for row in rows] == ["+ve", "-ve", "+ve"]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-"))]


def test_what_is_read_is_who_was_right(tmp_path):
    files = ("=1.png", "b.png", "c.png")
    test = ImageSet(np.zeros((3, 1, 1, 1), np.uint8), np.array([0, 1, 1]), files, ("+x", "y"))
    one, other = Cell("resnet18", "synthetic", 5, math.inf, 0), Cell("vgg16", "real", None, 0.0, 7)
    networks = [
        FoldPredictions(one, 0, np.eye(2)[[0, 1, 1]]),
        FoldPredictions(one, 1, np.eye(2)[[0, 0, 1]]),
        FoldPredictions(other, 0, np.eye(2)[[1, 0, 1]]),
    ]
    path = tmp_path / "predictions.csv"
    write_predictions(path, test, networks)
    answers = read_answers(path)
    assert answers.of_networks[one.path, 1] == ("+x", "+x", "y")
    found = answers.hits
    assert (found.files, found.classes) == (files, ("+x", "y", "y"))
    assert {cell: hits.tolist() for cell, hits in found.of_cells.items()} == {
        one.path: [1.0, 0.5, 1.0],
        other.path: [0.0, 0.0, 1.0],
    }
    lines = path.read_text().splitlines(keepends=True)
    for damaged in (lines[:-1], lines[:1], ["a,b\n", "1,2\n"]):
        path.write_text("".join(damaged))
        with pytest.raises(Damaged, match=r"predictions\.csv is"):
            read_answers(path)
