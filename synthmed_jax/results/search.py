"""tune/<target>/search.json: the settings that a search has tried, and the best of them."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


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
    """tune/<target>/search.json.

    Attributes:
      searched: "diffusion", or "classifier/" and the network.
      loss: what a loss is, in words.
      num_images: that a trial is judged on.
      seed: of the search.
      sampler: that chose the trials.
      best: the trial of the lowest loss.
      trials: those that are finished, in order.
    """

    searched: str
    loss: str
    num_images: int
    seed: int
    sampler: str
    best: BestTrial
    trials: tuple[Trial, ...]
