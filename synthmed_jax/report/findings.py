"""What a run found: numbers computed from its files, no words and no pictures."""

import dataclasses
import math
from typing import Any

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.report.files import Run

# Table 2 of the paper, in its order: (key of evaluate/metrics.json, heading, is a share of 1).
COLUMNS = (
    ("train_loss", "train loss", False),
    ("val_loss", "val. loss", False),
    ("test_loss", "test loss", False),
    ("train_accuracy", "train acc.", True),
    ("val_accuracy", "val. acc.", True),
    ("test_accuracy", "test acc.", True),
    ("precision", "precision", True),
    ("recall", "recall", True),
    ("f1", "F1", True),
)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A synthetic image beside its nearest `fit` image.

    Attributes:
      synthetic, nearest: u8[S,S,C].
      distance: in the unit of evaluate/fidelity.json.
      label: class of the synthetic image.
      nearest_label: class of the `fit` image.
    """

    synthetic: np.ndarray
    nearest: np.ndarray
    distance: float
    label: str
    nearest_label: str


def chosen_cells(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the best cell of each arm by mean validation loss, never by the test images.

    The arm of the run's best network keeps that network, by whatever rule it was chosen.
    """

    def rank(cell: dict[str, Any]) -> float:
        loss = cell["mean"]["val_loss"]
        return math.inf if loss is None else loss

    chosen: dict[str, dict[str, Any]] = {}
    for cell in metrics["cells"]:
        best = chosen.get(cell["arm"])
        if best is None or rank(cell) < rank(best):
            chosen[cell["arm"]] = cell
    keys = ("backbone", "arm", "n", "ratio", "seed")
    for cell in metrics["cells"]:
        if metrics.get("best") and all(cell[key] == metrics["best"][key] for key in keys):
            chosen[cell["arm"]] = cell
    return chosen


def headline(run: Run) -> dict[str, Any]:
    """Returns the numbers of the first paragraph; what no file holds is absent.

    The keys are "synthetic" and "real" (cells; the real one of the same network where there is
    one), "gap" (real minus synthetic test accuracy) and "distance_ratio".
    """
    found: dict[str, Any] = {}
    if run.metrics is not None:
        chosen = chosen_cells(run.metrics)
        if "synthetic" in chosen:
            found["synthetic"] = synthetic = chosen["synthetic"]
            twins = [
                cell
                for cell in run.metrics["cells"]
                if cell["arm"] == "real" and cell["backbone"] == synthetic["backbone"]
            ]
            if twins:
                chosen["real"] = twins[0]
        if "real" in chosen:
            found["real"] = chosen["real"]
        if "synthetic" in found and "real" in found:
            means = [found[arm]["mean"]["test_accuracy"] for arm in ("real", "synthetic")]
            found["gap"] = means[0] - means[1]
    if run.fidelity is not None and run.fidelity["ratio"] is not None:
        found["distance_ratio"] = run.fidelity["ratio"]
    return found


def confusion_sum(cell: dict[str, Any]) -> np.ndarray:
    """Returns i64[K,K], the confusion matrices (row: true class) summed over the folds."""
    return np.sum([fold["confusion"] for fold in cell["folds"]], axis=0)


def spread(items: np.ndarray, count: int) -> np.ndarray:
    """Returns `count` of the items (or all, if fewer), evenly spaced, always the same."""
    if len(items) <= count:
        return items
    return items[np.linspace(0, len(items) - 1, count).round().astype(int)]


def rows_of_class(images: ImageSet, name: str, count: int) -> np.ndarray:
    """Returns the indices of `count` images of a class, evenly spaced through the set."""
    label = images.class_names.index(name)
    return spread(np.flatnonzero(np.asarray(images.labels) == label), count)


def pairs(fidelity: dict[str, Any], fit: ImageSet, synthetic: ImageSet) -> list[Pair]:
    """Returns a pair for every entry of evaluate/fidelity.json, in its order.

    Raises:
      UserError: the file names an image that is in neither set.
    """
    index = {"fit": _index(fit), "synthetic": _index(synthetic)}

    def find(part: str, name: str) -> int:
        if name not in index[part]:
            raise UserError(
                f"evaluate/fidelity.json names {name!r}, which is no {part} image of this run: "
                "delete stages/evaluate.json in the workdir, and run again."
            )
        return index[part][name]

    found = []
    for entry in fidelity["synthetic"]:
        i, j = find("synthetic", entry["path"]), find("fit", entry["nearest"])
        found.append(
            Pair(
                synthetic=synthetic.images[i],
                nearest=fit.images[j],
                distance=float(entry["distance"]),
                label=synthetic.class_names[int(synthetic.labels[i])],
                nearest_label=fit.class_names[int(fit.labels[j])],
            )
        )
    return found


def _index(images: ImageSet) -> dict[str, int]:
    return {name: i for i, name in enumerate(images.files)}


def typical_pairs(all_pairs: list[Pair], class_names: tuple[str, ...], count: int) -> list[Pair]:
    """Returns `count` pairs a class at even steps through its distances, nearest to farthest."""
    shown: list[Pair] = []
    for name in class_names:
        ordered = sorted((p for p in all_pairs if p.label == name), key=lambda p: p.distance)
        shown += [ordered[i] for i in spread(np.arange(len(ordered)), count)]
    return shown


def closest_pairs(all_pairs: list[Pair], count: int) -> list[Pair]:
    """Returns the pairs that are the likeliest copies."""
    return sorted(all_pairs, key=lambda pair: pair.distance)[:count]
