"""audit/over_training.json: how copies and a success of attacks came about during training."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.memorisation import Rate
from synthmed_jax.results.stored import Stored
from synthmed_jax.statistics.roc import AreaEstimate

FILE = "over_training.json"


@dataclasses.dataclass(frozen=True)
class AtStep:
    """What weights of one step do.

    Attributes:
      step: of training.
      val_loss: of these weights, a mean over generators; None where there is no `val`.
      flagged: drawn images that the search for copies flags; None where nothing is concluded.
      flagged_strictly: those that a stricter threshold flags.
      area: under the ROC curve of the attack by loss; None where nothing is concluded.
    """

    step: int
    val_loss: float | None
    flagged: Rate | None
    flagged_strictly: Rate | None
    area: AreaEstimate | None


@dataclasses.dataclass(frozen=True)
class OverTraining(Stored):
    """audit/over_training.json.

    Attributes:
      keep_every: steps between two weights that were to be kept.
      images: per class, drawn with the weights of each step.
      false_alarms: of the search for copies; None where nothing is concluded.
      why_no_search, why_no_attack: why nothing is concluded; "" where something is.
      chosen: the step of each generator whose weights the run draws images from.
      points: the steps, ascending.
    """

    keep_every: int
    images: int
    false_alarms: Rate | None
    why_no_search: str
    why_no_attack: str
    chosen: tuple[int, ...]
    points: tuple[AtStep, ...]
