"""Scores of classifiers and what may be concluded from them: pure functions of probabilities.

All results are plain Python numbers, ready for JSON. Accuracies and rates are in [0, 1].
"""

import csv
import io
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats
from sklearn import metrics

from synthmed_jax.files import write_text

_NOT_AVERAGED = ("fold", "confusion")
BEST_RULE = (
    "lowest mean validation loss over folds among the {arm} arm's cells, "
    "then the fold of lowest validation loss; test numbers play no part"
)


def score(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Scores predictions: loss, accuracy, precision, recall, f1, balanced_accuracy, confusion.

    Args:
      probabilities: f[N,K], rows sum to 1.
      labels: i[N], 0..K-1, the truth.

    Returns: loss is the mean cross-entropy in nats; precision, recall and f1 are macro averages
    over the K classes (0 for a class that was never predicted or never occurs); balanced_accuracy
    is the mean recall of the classes that occur; confusion[i][j] counts images of class i called j.

    Raises ValueError for no images, shapes that do not match or a probability that is not finite.
    """
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(f"nothing to score in {probabilities.shape} against {labels.shape}")
    if not np.isfinite(probabilities).all():
        raise ValueError("a probability is not finite: the network has diverged")
    classes = np.arange(probabilities.shape[1])
    own = probabilities.astype(np.float64)[np.arange(len(labels)), labels]
    predicted = probabilities.argmax(axis=-1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, average="macro", zero_division=0
    )
    confusion = metrics.confusion_matrix(labels, predicted, labels=classes)
    occurring = confusion.sum(axis=1) > 0
    return {
        "loss": float(-np.log(np.clip(own, 1e-12, 1)).mean()),
        "accuracy": float((predicted == labels).mean()),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "balanced_accuracy": float(
            (confusion.diagonal()[occurring] / confusion.sum(axis=1)[occurring]).mean()
        ),
        "confusion": confusion.tolist(),
    }


def summarise(
    folds: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Mean and standard deviation (n - 1) over folds of every number but the fold's own.

    Returns (mean, std); std is None for a single fold, which says nothing about spread, and a value
    that any fold lacks (None) has neither. Raises ValueError for no folds.
    """
    if not folds:
        raise ValueError("no folds to summarise")
    mean: dict[str, float | None] = {}
    std: dict[str, float | None] = {}
    for name in folds[0]:
        if name in _NOT_AVERAGED:
            continue
        values = [fold[name] for fold in folds]
        known = None not in values
        mean[name] = float(np.mean(values)) if known else None
        std[name] = float(np.std(values, ddof=1)) if known and len(folds) > 1 else None
    return mean, std


def accuracy_interval(accuracy: float, n: int, level: float = 0.95) -> dict[str, Any]:
    """Wilson's score interval (1927) of an accuracy on n images: low, high, level, method.

    accuracy * n need not be whole, so a mean over folds may be given. All folds see the same n
    images, hence the interval speaks of the sampling of test images, not of training again.

    Raises ValueError for n < 1 or an accuracy or level outside its range.
    """
    if n < 1 or not 0 <= accuracy <= 1 or not 0 < level < 1:
        raise ValueError(f"no interval for accuracy {accuracy} of {n} images at level {level}")
    z = float(stats.norm.ppf((1 + level) / 2))
    centre = (accuracy + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(accuracy * (1 - accuracy) / n + z**2 / (4 * n**2))
    # Rounding may push an end past the accuracy itself at 0 and at 1.
    low, high = max(0.0, min(centre - half, accuracy)), min(1.0, max(centre + half, accuracy))
    return {
        "low": low,
        "high": high,
        "level": level,
        "method": f"Wilson score, mean accuracy over folds on n = {n}",
    }


def best_cell(cells: Sequence[Mapping[str, Any]], arm: str = "synthetic") -> dict[str, Any]:
    """The best network by validation, never by test: backbone, arm, n, ratio, seed, fold, rule.

    Args:
      cells: as in evaluate/metrics.json; "val_loss" of the folds is read and nothing else of them.
        Ties go to the first by backbone, n, ratio, seed, and of folds to the first.
      arm: only its cells compete.

    Raises ValueError if no cell is of that arm, or a validation loss is missing.
    """
    names = ("backbone", "arm", "n", "ratio", "seed")
    competing = [cell for cell in cells if cell["arm"] == arm]
    if not competing:
        raise ValueError(f"no cell of the arm {arm!r} to choose the best network from")

    def rank(cell: Mapping[str, Any]) -> tuple[float, str, str]:
        own = [_validation_loss(fold) for fold in cell["folds"]]
        # n may be a number or "all"; zero-padding sorts numbers as numbers.
        rest = " ".join(str(cell[name]).zfill(9) for name in names[2:])
        return float(np.mean(own)), cell["backbone"], rest

    best = min(competing, key=rank)
    fold = min(best["folds"], key=lambda fold: (_validation_loss(fold), fold["fold"]))
    return {name: best[name] for name in names} | {
        "fold": fold["fold"],
        "rule": BEST_RULE.format(arm=arm),
    }


def write_predictions(
    path: pathlib.Path, class_names: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Writes evaluate/predictions.csv atomically.

    Args:
      path: the file.
      class_names: of the K classes.
      rows: {backbone, arm, n, ratio, seed, fold, files: N paths, labels: i[N],
        probabilities: f[N,K]} for each network; one line is written for each of its images, labels
        by name and probabilities with six digits.
    """
    keys = ("backbone", "arm", "n", "ratio", "seed", "fold")
    header = [*keys, "file", "label", "predicted", *(f"p_{name}" for name in class_names)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        network = [row[key] for key in keys]
        images = zip(row["files"], row["labels"], row["probabilities"], strict=True)
        for file, label, probabilities in images:
            called = class_names[int(np.argmax(probabilities))]
            numbers = (f"{p:.6g}" for p in probabilities)
            writer.writerow([*network, file, class_names[int(label)], called, *numbers])
    write_text(path, text.getvalue())


def _validation_loss(fold: Mapping[str, Any]) -> float:
    loss = fold["val_loss"]
    if loss is None:
        raise ValueError(f"fold {fold['fold']} has no validation loss to choose by")
    # A diverged fold must not win, and NaN compares as anything.
    return math.inf if math.isnan(loss) else float(loss)
