"""search.json below tune/: the settings that a search has tried, and the best of them."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from synthmed_jax.results.stored import Document, Stored


@dataclasses.dataclass(frozen=True)
class BestTrial:
    """Config field -> value of the best trial, and its loss."""

    fields: dict[str, object]
    loss: float


@dataclasses.dataclass(frozen=True)
class Trial:
    """One trial: config field -> value, its loss (None: it diverged at once), and its state."""

    fields: dict[str, object]
    loss: float | None
    state: str


@dataclasses.dataclass(frozen=True)
class SearchResult(Stored):
    """tune/diffusion/search.json, or tune/classifier/<network>/<arm>/search.json.

    Attributes:
      searched: "diffusion", or "classifier/" and the network.
      arm: what its classifiers are trained on; "" where a generator is searched.
      loss: what a loss is, in words.
      judged_on: the real images that it is of, in words.
      num_images: how many these are.
      seed: of the search.
      sampler: that chose the trials.
      best: the trial of the lowest loss.
      trials: those that are finished, in order, as many as were asked for.
    """

    # The first version judged on fit and val, knew no arm but the synthetic one, and did not say
    # so. Its file of a classifier lay one folder higher.
    VERSION: ClassVar[int] = 2

    searched: str
    arm: str
    loss: str
    judged_on: str
    num_images: int
    seed: int
    sampler: str
    best: BestTrial
    trials: tuple[Trial, ...]

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """A file of the first version, whose losses are of images that generators had learned."""
        arm = "synthetic" if document["searched"].startswith("classifier/") else ""
        return document | {
            "arm": arm,
            "judged_on": "fit and val, of which the generator had learned fit",
        }
