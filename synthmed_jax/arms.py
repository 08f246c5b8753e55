"""The arms of the experiment: what classifiers are trained on, one record each.

Everything else that must know of an arm (cells, checks, times, training sets, the report's words)
reads this table.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.cells import Amount, amount_of

SYNTHETIC, REAL = "synthetic", "real"


@dataclasses.dataclass(frozen=True)
class Materials:
    """What training sets are made of.

    Attributes:
      parts: `fit`, with its groups, and `val`.
      counts: synthetic images of each class, in the order of the labels.
      synthetic: reads the synthetic set, once it has been drawn.
    """

    parts: Parts
    counts: tuple[int, ...]
    synthetic: Callable[[], ImageSet]

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels."""
        return self.parts.fit.class_names


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is known of a training set before any of its images is drawn.

    Attributes:
      n: images per class, or of each class where they differ; None: all of `fit`.
      ratio: synthetic to real images; infinite where there is no real one.
      labels: i[N], class of every image.
      groups: i64[N], images of one group are kept in one fold; None without groups.
    """

    n: Amount
    ratio: float
    labels: np.ndarray
    groups: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    """What one network is trained on.

    Attributes:
      images: N of them.
      groups: i64[N], images of one group are kept in one fold; None without groups.
      origins: SYNTHETIC or REAL, of every image.
    """

    images: ImageSet
    groups: np.ndarray | None
    origins: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
      name: in configs, folders and tables.
      says: what it is trained on, in words.
      sizes: what is known of its training set before any image is drawn.
      build: makes the training set.
    """

    name: str
    says: str
    sizes: Callable[[Materials], Sizes]
    build: Callable[[Materials], TrainingSet]


def _synthetic_sizes(materials: Materials) -> Sizes:
    labels = np.repeat(np.arange(len(materials.class_names)), materials.counts)
    return Sizes(amount_of(materials.counts), math.inf, labels, None)


def _synthetic(materials: Materials) -> TrainingSet:
    images = materials.synthetic()
    return TrainingSet(images, None, (SYNTHETIC,) * len(images))


def _real_sizes(materials: Materials) -> Sizes:
    parts = materials.parts
    return Sizes(None, 0.0, parts.fit.labels, parts.fit_groups)


def _real(materials: Materials) -> TrainingSet:
    parts = materials.parts
    return TrainingSet(parts.fit, parts.fit_groups, (REAL,) * len(parts.fit))


_ALL = (
    Arm(SYNTHETIC, "synthetic images only", _synthetic_sizes, _synthetic),
    Arm(REAL, "the real fit images", _real_sizes, _real),
)
ARMS = {arm.name: arm for arm in _ALL}
