"""One model of all classes, or one model per class (the paper, taken literally)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synthmed_jax.data.image_set import ImageSet

CONDITIONINGS = ("class", "per_class")


class Portion(NamedTuple):
    """The part of the training images that one model learns.

    Attributes:
      folder: of the model, below diffusion/; "" for that folder itself.
      labels: label in the data set -> label in this model, 0..K-1.
      fit, val: its images, with this model's labels and class names.
    """

    folder: str
    labels: dict[int, int]
    fit: ImageSet
    val: ImageSet


def portions(conditioning: str, fit: ImageSet, val: ImageSet) -> list[Portion]:
    """Divides the training images among models.

    Args:
      conditioning: one of CONDITIONINGS.
      fit, val: all images; `val` may be empty.

    Returns:
      One portion per model, in the order of the classes.
    """
    names = folders(conditioning, fit.class_names)
    if conditioning == "class":
        return [Portion(names[0], {k: k for k in range(len(fit.class_names))}, fit, val)]
    return [
        Portion(name, {label: 0}, _only(fit, label), _only(val, label))
        for label, name in enumerate(names)
    ]


def folders(conditioning: str, class_names: tuple[str, ...]) -> tuple[str, ...]:
    """Folder of each model below diffusion/, in the order of `portions`."""
    return ("",) if conditioning == "class" else class_names


def num_labels(conditioning: str, class_names: tuple[str, ...]) -> int:
    """Number of classes that each model tells apart."""
    return len(class_names) if conditioning == "class" else 1


def _only(images: ImageSet, label: int) -> ImageSet:
    """The images of one class, which becomes label 0."""
    chosen = images.subset(np.flatnonzero(images.labels == label))
    return ImageSet(
        chosen.images, np.zeros_like(chosen.labels), chosen.files, (images.class_names[label],)
    )
