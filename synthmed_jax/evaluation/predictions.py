"""evaluate/predictions.csv: what every network answers for every test image."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np

from synthmed_jax.csv_text import text_of, write_csv
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import Damaged
from synthmed_jax.results.cells import Cell


@dataclasses.dataclass(frozen=True)
class FoldPredictions:
    """What one network answers.

    Attributes:
      cell, fold: which network.
      probabilities: f[N,K], of the N test images in their order.
    """

    cell: Cell
    fold: int
    probabilities: np.ndarray


def write_predictions(
    path: pathlib.Path, test: ImageSet, networks: Iterable[FoldPredictions]
) -> None:
    """Writes the file, one line per network and image, whole or not at all.

    The columns are the network's cell (as `Cell.texts`) and fold, the image's file, the names of
    its class and of the predicted one, and the probability of each class with six digits.
    Names are written as csv_text.py says.
    """
    columns = [field.name for field in dataclasses.fields(Cell)]
    probability_columns = [f"p_{name}" for name in test.class_names]
    rows: list[list[object]] = [
        [*columns, "fold", "file", "label", "predicted", *probability_columns]
    ]
    for network in networks:
        key = [*network.cell.texts.values(), network.fold]
        images = zip(test.files, test.labels, network.probabilities, strict=True)
        for file, label, probabilities in images:
            predicted = test.class_names[int(np.argmax(probabilities))]
            numbers = (f"{p:.6g}" for p in probabilities)
            rows.append([*key, file, test.class_names[int(label)], predicted, *numbers])
    write_csv(path, rows)


@dataclasses.dataclass(frozen=True)
class Hits:
    """Which test images networks are right on.

    Attributes:
      files, classes: of the N test images in their order, and the names of their classes.
      of_cells: a cell's path -> f64[N], the share of its networks that are right on each.
    """

    files: tuple[str, ...]
    classes: tuple[str, ...]
    of_cells: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Answers:
    """What networks call the test images.

    Attributes:
      files, classes: of the N test images in their order, and the names of their classes.
      of_networks: (a cell's path, number of a training) -> N names of classes.
    """

    files: tuple[str, ...]
    classes: tuple[str, ...]
    of_networks: dict[tuple[str, int], tuple[str, ...]]

    @property
    def hits(self) -> Hits:
        """Which of them are right."""
        of_cells: dict[str, list[np.ndarray]] = {}
        for (cell, _), called in self.of_networks.items():
            of_cells.setdefault(cell, []).append(np.array(called) == np.array(self.classes))
        means = {cell: np.mean(of_cell, axis=0) for cell, of_cell in of_cells.items()}
        return Hits(self.files, self.classes, means)


def read_answers(path: pathlib.Path) -> Answers:
    """Reads what `write_predictions` has written.

    Raises:
      FileNotFoundError: there is no such file.
      Damaged: it lacks a column, or its networks were not all given the same images.
    """
    called: dict[tuple[str, int], list[str]] = {}
    images: dict[tuple[str, int], list[tuple[str, str]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                cell = "{backbone}/{arm}/{n}-{ratio}-s{seed}".format(**row)
                network = cell, int(row["fold"])
                called.setdefault(network, []).append(text_of(row["predicted"]))
                images.setdefault(network, []).append((text_of(row["file"]), text_of(row["label"])))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise Damaged(path, f"is no table of predictions ({error!r})") from error
    listed = next(iter(images.values()), [])
    if not listed or any(of_network != listed for of_network in images.values()):
        raise Damaged(path, "is damaged: it has not the same test images for every network")
    files, classes = zip(*listed, strict=True)
    return Answers(files, classes, {network: tuple(names) for network, names in called.items()})
