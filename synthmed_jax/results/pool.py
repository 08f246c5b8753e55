"""pool/pool.json: runs under several master seeds, put together."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored
from synthmed_jax.statistics.two_level import TwoLevelEstimate


@dataclasses.dataclass(frozen=True)
class PooledRun:
    """A run that was put in.

    Attributes:
      workdir: as it was given.
      seed: its config.seed.
      fraction: its split.fraction, the share of the real images that is `fit` and `val`.
      is_development: whether it is shown and left out of what is said over seeds.
      num_test: its real test images.
    """

    workdir: str
    seed: int
    fraction: float
    is_development: bool
    num_test: int


@dataclasses.dataclass(frozen=True)
class SeedDifference:
    """A difference in one run: of balanced accuracies, with its interval over test images."""

    seed: int
    is_development: bool
    estimate: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class PooledDifference:
    """A difference that all runs declare.

    Attributes:
      name: what is compared with what.
      fraction: split.fraction of these runs.
      threshold: what the difference is to be above, as the runs declared it.
      unit: what was drawn for intervals: "group" (of the split) or "image".
      of_seeds: one per run, by seed.
      pooled: over the seeds that are not of the development; None for fewer than two.
      p: one-sided, of the pooled difference not being above the threshold.
      p_adjusted: by Holm, for all pooled differences.
      is_shown: whether the pooled difference is shown to be above the threshold; None where seeds
        are too few to say anything.
    """

    name: str
    fraction: float
    threshold: float
    unit: str
    of_seeds: tuple[SeedDifference, ...]
    pooled: TwoLevelEstimate | None
    p: float | None
    p_adjusted: float | None
    is_shown: bool | None


@dataclasses.dataclass(frozen=True)
class CurvePoint:
    """Balanced accuracy of one arm's network at one share of real images.

    Attributes:
      fraction: split.fraction of these runs.
      arm: what the network was trained on.
      seeds: of these runs, without those of the development where there are others.
      scores: one per seed, shares of 1.
      mean: of the scores.
    """

    fraction: float
    arm: str
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    mean: float


@dataclasses.dataclass(frozen=True)
class Pool(Stored):
    """pool/pool.json.

    Attributes:
      dataset: its name.
      class_names: in the order of the labels.
      least_seeds: seeds without those of the development that it takes to say something.
      runs: what was put in, by fraction and seed.
      differences: each that the runs declare.
      curve: what each arm scores, by share of real images.
    """

    dataset: str
    class_names: tuple[str, ...]
    least_seeds: int
    runs: tuple[PooledRun, ...]
    differences: tuple[PooledDifference, ...]
    curve: tuple[CurvePoint, ...]

    @property
    def is_curve(self) -> bool:
        """Whether the runs differ in the share of real images."""
        return len({point.fraction for point in self.curve}) > 1
