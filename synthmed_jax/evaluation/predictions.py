"""evaluate/predictions.csv: what every network answers for every test image."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np

from synthmed_jax.csv_text import to_csv
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.files import write_text
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
    write_text(path, to_csv(rows))
