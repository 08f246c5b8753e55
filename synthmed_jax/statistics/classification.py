"""What answers are worth, class by class: recall, balanced accuracy, macro F1 and AUROC."""

from __future__ import annotations

import numpy as np
from sklearn import metrics


def recalls(predicted: np.ndarray, labels: np.ndarray, num_classes: int) -> list[float | None]:
    """Recall of each class; None for one that does not occur.

    Args:
      predicted, labels: i[N], 0..num_classes-1.
    """
    right = np.bincount(labels[predicted == labels], minlength=num_classes)
    counts = np.bincount(labels, minlength=num_classes)
    return [float(r / n) if n else None for r, n in zip(right, counts, strict=True)]


def balanced_accuracy(predicted: np.ndarray, labels: np.ndarray, num_classes: int) -> float:
    """Mean recall of the classes that occur."""
    return float(np.mean([r for r in recalls(predicted, labels, num_classes) if r is not None]))


def macro_auroc(probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    """Mean over classes of the area under the ROC curve of that class against all others.

    Of the classes that occur; None where fewer than two do. Ties count a half.

    Args:
      probabilities: f[N,K].
      labels: i[N].
    """
    occurring = np.unique(labels)
    if len(occurring) < 2:
        return None
    areas = [metrics.roc_auc_score(labels == k, probabilities[:, k]) for k in occurring]
    return float(np.mean(areas))


def majority_rate(learned: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of always answering the class that is most frequent among the learned labels."""
    return float((labels == np.bincount(learned).argmax()).mean())


def mean_of_networks(probabilities: np.ndarray) -> np.ndarray:
    """Mean probabilities f64[N,K] of several networks, f[networks,N,K]: their ensemble."""
    return probabilities.astype(np.float64).mean(axis=0)
