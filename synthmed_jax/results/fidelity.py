"""evaluate/fidelity.json: how near the synthetic images come to real ones."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class NearestImage:
    """One synthetic image and the `fit` image nearest to it.

    Attributes:
      path: of the synthetic image.
      nearest: file of the `fit` image.
      distance: between them, see `Fidelity.distance`.
    """

    path: str
    nearest: str
    distance: float


@dataclasses.dataclass(frozen=True)
class BitsPerDimension:
    """The variational bound of real `val` images, bits per dimension: means over images.

    Attributes:
      total: prior + steps + decoder.
      standard_error: of the total; None for a single image.
      num_images: that it is a mean of.
    """

    total: float
    prior: float
    steps: float
    decoder: float
    standard_error: float | None
    num_images: int


@dataclasses.dataclass(frozen=True)
class Fidelity(Stored):
    """evaluate/fidelity.json.

    Attributes:
      distance: what a distance is, in words.
      flips: the symmetries under which images were compared.
      num_fit, num_val, num_synthetic: numbers of images.
      median_synthetic: median distance of the synthetic images to their nearest `fit` image.
      median_val: the same of real `val` images; None where there are none.
      ratio: of the two; None where there is none.
      synthetic: one per synthetic image.
      bits_per_dimension: class, or "all" for one model of all classes -> the bound.
    """

    distance: str
    flips: str
    num_fit: int
    num_val: int
    num_synthetic: int
    median_synthetic: float
    median_val: float | None
    ratio: float | None
    synthetic: tuple[NearestImage, ...]
    bits_per_dimension: dict[str, BitsPerDimension]
