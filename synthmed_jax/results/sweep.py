"""sweep/sweep.json: samplers and numbers of steps, compared."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class SweepRow:
    """One candidate.

    Attributes:
      sampler, steps: what was tried.
      evaluations: of the network, per image.
      distances: Frechet distance of each set to the real images.
      nearness: of each set: median distance to the nearest `fit` image over that of `val` images;
        None where it was not measured.
      images_per_second: median over sets.
      ratio: geometric mean of its distances over the first candidate's, paired by seed.
      ratio_interval: 95 % over seeds, low and high.
    """

    sampler: str
    steps: int
    evaluations: int
    distances: tuple[float, ...]
    nearness: tuple[float | None, ...]
    images_per_second: float
    ratio: float
    ratio_interval: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class SweepResult(Stored):
    """sweep/sweep.json.

    Attributes:
      features: that distances are measured in, in words.
      num_real, num_synthetic: images per set.
      seeds: sets per candidate.
      rows: one per candidate; the others are compared with the first.
    """

    features: str
    num_real: int
    num_synthetic: int
    seeds: int
    rows: tuple[SweepRow, ...]
