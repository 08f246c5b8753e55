"""evaluate/metrics.json: what the trained networks score on the real test images."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from synthmed_jax.results.cells import Cell, typed_cell
from synthmed_jax.results.stored import Document, Stored
from synthmed_jax.statistics.intervals import Interval


@dataclasses.dataclass(frozen=True)
class TestScores:
    """What one network's probabilities score on labelled images.

    Attributes:
      loss: mean cross-entropy, nats.
      accuracy: share of right predictions.
      precision, recall, f1: macro averages over the classes.
      balanced_accuracy: mean recall of the classes that occur.
      confusion: [i][j] counts images of class i called j.
    """

    __test__: ClassVar[bool] = False  # pytest takes the name for a test

    loss: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    balanced_accuracy: float
    confusion: tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class Scores:
    """The columns of the paper's Table 2: losses in nats, all else shares of 1."""

    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    test_loss: float
    test_accuracy: float
    precision: float
    recall: float
    f1: float
    balanced_accuracy: float


@dataclasses.dataclass(frozen=True)
class FoldScores(Scores):
    """One fold's scores.

    Attributes:
      fold: from 0.
      confusion: on the test images, [true class][predicted class], counts.
    """

    fold: int
    confusion: tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class CellScores(Cell):
    """A cell, and what its networks score.

    Attributes:
      folds: one per fold, in order.
      mean: over folds.
      std: standard deviation (n - 1) over folds; None for a single one.
      accuracy_interval: of the mean test accuracy.
    """

    folds: tuple[FoldScores, ...]
    mean: Scores
    std: Scores | None
    accuracy_interval: Interval


@dataclasses.dataclass(frozen=True)
class BestNetwork(Cell):
    """The network that a rule has chosen: a cell and one of its folds; `rule` in words."""

    fold: int
    rule: str


@dataclasses.dataclass(frozen=True)
class Evaluation(Stored):
    """evaluate/metrics.json.

    Attributes:
      dataset: its name.
      seed: of the classifiers.
      class_names: in the order of the labels.
      num_test: real test images, the same for every network.
      cells: what was asked for, in that order.
      best: the synthetic arm's best network by validation.
    """

    VERSION: ClassVar[int] = 2

    dataset: str
    seed: int
    class_names: tuple[str, ...]
    num_test: int
    cells: tuple[CellScores, ...]
    best: BestNetwork

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """Version 2: n and ratio are numbers; one None stands for a spread that there is not."""
        cells = []
        for cell in document["cells"]:
            spread = cell["std"]
            single = all(value is None for value in spread.values())
            cells.append(typed_cell(cell) | {"std": None if single else spread})
        return document | {"cells": cells, "best": typed_cell(document["best"])}
