"""evaluate/metrics.json: what the trained networks score on the real test images."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from synthmed_jax.results.cells import Cell, typed_cell
from synthmed_jax.results.stored import Document, Stored
from synthmed_jax.statistics.calibration import CalibrationError
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Estimate, Interval


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
    """One training's scores.

    Attributes:
      fold: from 0.
      confusion: on the test images, [true class][predicted class], counts.
    """

    fold: int
    confusion: tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class Tempered:
    """Probabilities at the temperature that fits `val` best: means over trainings.

    Attributes:
      temperature: that logits are divided by; above 1 where a network is too sure.
      loss: mean cross-entropy on the test images, nats.
      calibration: on the test images.
    """

    temperature: float
    loss: float
    calibration: CalibrationError


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """What the mean probabilities of a cell's networks score on the test images.

    Attributes:
      loss: mean cross-entropy, nats.
      accuracy, balanced_accuracy, f1: shares of 1; F1 is the macro average.
      brier: see `Quality`.
    """

    loss: float
    accuracy: float
    balanced_accuracy: float
    f1: float
    brier: float


@dataclasses.dataclass(frozen=True)
class Quality:
    """More of what a cell's networks score on the test images: means over trainings.

    Attributes:
      recalls: class -> share of its images that are called so; None where it does not occur.
      auroc: macro average of each class against all others; None where one class alone occurs.
      brier: squared distance of the probabilities to the truth, 0 to 2.
      calibration: of the probabilities as they are.
      tempered: None without `val` images.
      prior_corrected_accuracy: after the probabilities were moved from the training set's shares of
        the classes to those of `fit`; None where the training set lacks a class.
      ensemble: None for a single network.
    """

    recalls: dict[str, float | None]
    auroc: float | None
    brier: float
    calibration: CalibrationError
    tempered: Tempered | None
    prior_corrected_accuracy: float | None
    ensemble: Ensemble | None


@dataclasses.dataclass(frozen=True)
class CellDifference:
    """Two cells on the same test images.

    Attributes:
      first, second: the cells.
      difference: balanced accuracy of the first less that of the second, paired; trainings are
        averaged image by image.
      unit: what was drawn for the interval: "group" (of the split: patients) or "image".
      p: of the permutation test over those units, two-sided, of no difference at all.
      over_trainings: the difference training by training; with folds, its interval heeds how much
        of their data they share. None where the cells have different numbers of trainings.
    """

    first: Cell
    second: Cell
    difference: GroupEstimate
    unit: str
    p: float
    over_trainings: Estimate | None


@dataclasses.dataclass(frozen=True)
class DeclaredDifference(CellDifference):
    """A difference that was declared as an estimand before the run.

    Attributes:
      estimand: its name.
      limit: that it must lie above, share of 1.
      p_above: twice the chance of such an estimate, or a higher one, where the true difference is
        at the limit; so that an interval of 95 % whose lower end is the limit has p 0.05.
      p_adjusted: that, by Holm, for the estimands of the run.
    """

    estimand: str
    limit: float
    p_above: float
    p_adjusted: float


@dataclasses.dataclass(frozen=True)
class CellScores(Cell):
    """A cell, and what its networks score.

    Attributes:
      folds: one per training (a fold or a seed), in order.
      mean: over these.
      std: standard deviation (n - 1) over them; None for a single one.
      accuracy_interval: of the mean test accuracy.
      quality: None in files of earlier versions.
    """

    folds: tuple[FoldScores, ...]
    mean: Scores
    std: Scores | None
    accuracy_interval: Interval
    quality: Quality | None = None


@dataclasses.dataclass(frozen=True)
class BestNetwork(Cell):
    """The network that a rule has chosen: a cell and one of its trainings; `rule` in words."""

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
      declared: the estimands' differences, of those whose arms were trained; and
      differences: exploratory ones, of each arm's cell that the report shows first against that of
        the real arm. None of both in files of earlier versions.
    """

    VERSION: ClassVar[int] = 3

    dataset: str
    seed: int
    class_names: tuple[str, ...]
    num_test: int
    cells: tuple[CellScores, ...]
    best: BestNetwork
    declared: tuple[DeclaredDifference, ...] = ()
    differences: tuple[CellDifference, ...] = ()

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """Version 2: n and ratio are numbers; one None stands for a spread that there is not.

        Version 3 adds quality and differences, which may be absent.
        """
        if version == 2:
            return document
        cells = []
        for cell in document["cells"]:
            spread = cell["std"]
            single = all(value is None for value in spread.values())
            cells.append(typed_cell(cell) | {"std": None if single else spread})
        return document | {"cells": cells, "best": typed_cell(document["best"])}
