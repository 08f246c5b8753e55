"""filtered/filter.json: how many synthetic images were left out as suspected copies."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class FilteredClass:
    """Images of one class.

    Attributes:
      looked_at: images, of the synthetic set and those drawn beyond it.
      flagged: of them, that are taken for copies.
      used: that the filtered set holds.
    """

    looked_at: int
    flagged: int
    used: int


@dataclasses.dataclass(frozen=True)
class Filtered(Stored):
    """filtered/filter.json.

    Attributes:
      seed: of the search's network.
      flips: the symmetries under which images were compared.
      thresholds: space -> likeness above which an image is taken for a copy.
      classes: class -> its images.
    """

    seed: int
    flips: str
    thresholds: dict[str, float]
    classes: dict[str, FilteredClass]
