"""One model of all classes, or one model a class (the paper's literal reading)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synthmed_jax.data.image_set import ImageSet

CONDITIONINGS = ("class", "per_class")


class Portion(NamedTuple):
    """What one model learns.

    Attributes:
      folder: below diffusion/, "" for the folder itself.
      labels: label in the data set -> label in this model.
      fit, val: images under this model's labels.
    """

    folder: str
    labels: dict[int, int]
    fit: ImageSet
    val: ImageSet


def portions(conditioning: str, fit: ImageSet, val: ImageSet) -> list[Portion]:
    """Divides the training images among models: one of CONDITIONINGS."""
    names = folders(conditioning, fit.class_names)
    if conditioning == "class":
        return [Portion(names[0], {k: k for k in range(len(fit.class_names))}, fit, val)]
    return [
        Portion(name, {label: 0}, _only(fit, label), _only(val, label))
        for label, name in enumerate(names)
    ]


def folders(conditioning: str, class_names: tuple[str, ...]) -> tuple[str, ...]:
    """Folder of each model below diffusion/."""
    return ("",) if conditioning == "class" else class_names


def num_labels(conditioning: str, class_names: tuple[str, ...]) -> int:
    """Classes that each model tells apart."""
    return len(class_names) if conditioning == "class" else 1


def _only(images: ImageSet, label: int) -> ImageSet:
    """The images of one class, which becomes label 0."""
    chosen = images.subset(np.flatnonzero(images.labels == label))
    return ImageSet(
        chosen.images, np.zeros_like(chosen.labels), chosen.files, (images.class_names[label],)
    )
