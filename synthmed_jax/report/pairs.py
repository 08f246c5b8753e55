"""Which images the report shows: samples of a class, and synthetic images beside real ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.results.fidelity import Fidelity

CLOSEST_PAIRS = 8  # that are shown


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


def spread(items: np.ndarray, count: int) -> np.ndarray:
    """Returns `count` of the items (or all, if fewer), evenly spaced, always the same."""
    if len(items) <= count:
        return items
    return items[np.linspace(0, len(items) - 1, count).round().astype(int)]


def rows_of_class(images: ImageSet, name: str, count: int) -> np.ndarray:
    """Returns the indices of `count` images of a class, evenly spaced through the set."""
    label = images.class_names.index(name)
    return spread(np.flatnonzero(np.asarray(images.labels) == label), count)


def make_pairs(fidelity: Fidelity, fit: ImageSet, synthetic: ImageSet) -> list[Pair]:
    """Returns a pair for every synthetic image of evaluate/fidelity.json, in its order.

    Raises:
      UserError: the file names an image that is in neither set.
    """
    rows_of_synthetic, rows_of_fit = _rows(synthetic), _rows(fit)
    pairs = []
    for entry in fidelity.synthetic:
        i = _find(rows_of_synthetic, "synthetic", entry.path)
        j = _find(rows_of_fit, "fit", entry.nearest)
        pairs.append(
            Pair(
                synthetic=synthetic.images[i],
                nearest=fit.images[j],
                distance=entry.distance,
                label=synthetic.class_names[int(synthetic.labels[i])],
                nearest_label=fit.class_names[int(fit.labels[j])],
            )
        )
    return pairs


def _rows(images: ImageSet) -> dict[str, int]:
    return {file: row for row, file in enumerate(images.files)}


def _find(rows: dict[str, int], part: str, file: str) -> int:
    if file not in rows:
        raise UserError(
            f"evaluate/fidelity.json names {file!r}, which is no {part} image of this run: "
            "delete stages/evaluate.json in the workdir, and run again."
        )
    return rows[file]


def typical_pairs(pairs: Sequence[Pair], class_names: Sequence[str], count: int) -> list[Pair]:
    """Returns `count` pairs per class at even steps through its distances, from near to far."""
    typical: list[Pair] = []
    for name in class_names:
        ordered = sorted((p for p in pairs if p.label == name), key=lambda p: p.distance)
        typical += [ordered[i] for i in spread(np.arange(len(ordered)), count)]
    return typical


def closest_pairs(pairs: Sequence[Pair], count: int = CLOSEST_PAIRS) -> list[Pair]:
    """Returns the pairs that are the likeliest copies."""
    return sorted(pairs, key=lambda pair: pair.distance)[:count]
