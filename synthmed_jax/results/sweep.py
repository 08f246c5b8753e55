"""sweep/sweep.json: samplers and numbers of steps, compared."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from synthmed_jax.results.stored import Document, Stored
from synthmed_jax.statistics.intervals import mean_estimate


@dataclasses.dataclass(frozen=True)
class SweepRow:
    """One candidate.

    Attributes:
      sampler, steps: what was tried.
      evaluations: of the network, per image.
      distances: of each set to the reference images.
      nearness: of each set: median distance to the nearest `fit` image over that of `val` images;
        None where it was not measured. It is exploratory and chooses nothing.
      images_per_second: median over sets.
      difference: mean of its distances less the first candidate's, paired by seed.
      difference_interval: 95 %, low and high, each comparison by itself.
    """

    sampler: str
    steps: int
    evaluations: int
    distances: tuple[float, ...]
    nearness: tuple[float | None, ...]
    images_per_second: float
    difference: float
    difference_interval: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class SweepResult(Stored):
    """sweep/sweep.json.

    Attributes:
      distance: what a distance is, in words.
      features: that distances are measured in, in words.
      reference: the real images that distances are measured to, in words.
      num_real, num_synthetic: reference images, and images per set.
      seeds: sets per candidate.
      rows: one per candidate; the others are compared with the first.
    """

    # In the first version distances were Frechet's, to fit and val, and compared by their ratio.
    VERSION: ClassVar[int] = 2

    distance: str
    features: str
    reference: str
    num_real: int
    num_synthetic: int
    seeds: int
    rows: tuple[SweepRow, ...]

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """A file of the first version: the intervals of its differences are over seeds alone."""
        rows = document["rows"]
        return document | {
            "distance": "Frechet distance",
            "reference": "fit and val, of which the generator had learned fit",
            "rows": [_compared(row, rows[0]["distances"]) for row in rows],
        }


def _compared(row: Document, first: list[float]) -> Document:
    kept = {name: value for name, value in row.items() if not name.startswith("ratio")}
    found = mean_estimate([a - b for a, b in zip(row["distances"], first, strict=True)])
    return kept | {"difference": found.mean, "difference_interval": [found.low, found.high]}
