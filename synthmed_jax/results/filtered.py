"""filtered/filter.json: how many synthetic images a filter left out, and for which reason."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.audit import Measured
from synthmed_jax.results.stored import Stored

SYNTHETIC, FILTERED, OTHER_REAL = "synthetic", "filtered", "other real"


@dataclasses.dataclass(frozen=True)
class FilteredClass:
    """Images of one class.

    Attributes:
      looked_at: images, of the synthetic set and those drawn beyond it.
      flagged: of them, that are taken for copies.
      used: that the filtered set holds.
      off_class: of those looked at, that are taken for another class; some may be flagged too.
    """

    looked_at: int
    flagged: int
    used: int
    off_class: int = 0


@dataclasses.dataclass(frozen=True)
class OffClass:
    """What forests that have learned `fit` images say of a class.

    Attributes:
      least: probability below which an image is taken for another class.
      found: share of the `fit` images of other classes that would be left out with this label.
    """

    least: float
    found: float


@dataclasses.dataclass(frozen=True)
class Filtered(Stored):
    """filtered/filter.json.

    Attributes:
      seed: of the search's network.
      flips: the symmetries under which images were compared.
      thresholds: space -> likeness above which an image is taken for a copy; empty where copies
        are not left out.
      classes: class -> its images.
      off_class: class -> how an image is taken for another; empty where that is not asked.
      off_class_share: of each class's `fit` images, that would be left out; 0 where not asked.
      coverage: which images (SYNTHETIC, FILTERED, OTHER_REAL) -> coverage of some `fit` images, as
        in audit/fidelity.json, by handmade features; empty where there are too few images.
    """

    seed: int
    flips: str
    thresholds: dict[str, float]
    classes: dict[str, FilteredClass]
    off_class: dict[str, OffClass] = dataclasses.field(default_factory=dict)
    off_class_share: float = 0.0
    coverage: dict[str, Measured] = dataclasses.field(default_factory=dict)
