"""Scores of classifiers: pure functions of probabilities and labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from sklearn import metrics

from synthmed_jax.results.evaluation import Scores, TestScores
from synthmed_jax.statistics.calibration import log_loss
from synthmed_jax.statistics.classification import balanced_accuracy


def score(probabilities: np.ndarray, labels: np.ndarray) -> TestScores:
    """Scores the predictions of one network.

    A class that was never predicted, or never occurs, counts as 0 in the macro averages.

    Args:
      probabilities: f[N,K], rows sum to 1.
      labels: i[N], 0..K-1, the truth.

    Raises:
      ValueError: no images, shapes that do not match, or a probability that is not finite.
    """
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(f"nothing to score in {probabilities.shape} against {labels.shape}")
    if not np.isfinite(probabilities).all():
        raise ValueError("a probability is not finite: the network has diverged")
    classes = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=-1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, average="macro", zero_division=0
    )
    confusion = metrics.confusion_matrix(labels, predicted, labels=classes)
    return TestScores(
        loss=log_loss(probabilities, labels),
        accuracy=float((predicted == labels).mean()),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        balanced_accuracy=balanced_accuracy(predicted, labels, len(classes)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def summarise(folds: Sequence[Scores]) -> tuple[Scores, Scores | None]:
    """Returns the mean and the standard deviation (n - 1) of every score over folds.

    The standard deviation is None for a single fold, which says nothing about spread.

    Raises:
      ValueError: no folds.
    """
    if not folds:
        raise ValueError("no folds to summarise")
    names = [field.name for field in dataclasses.fields(Scores)]
    of_folds = {name: [getattr(fold, name) for fold in folds] for name in names}
    mean = Scores(**{name: float(np.mean(values)) for name, values in of_folds.items()})
    if len(folds) == 1:
        return mean, None
    return mean, Scores(**{name: float(np.std(v, ddof=1)) for name, v in of_folds.items()})
