"""evaluate/floors.json: what simple means score on the real test images."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored
from synthmed_jax.statistics.group_bootstrap import GroupEstimate

MAJORITY = "majority"


@dataclasses.dataclass(frozen=True)
class Floor:
    """One simple means: a forest on some numbers of an image, or the most frequent class.

    Attributes:
      features: what it sees, a key of evaluation/floors.py's FEATURES; MAJORITY: nothing.
      arm: what it has learned from, "real" (all of `fit`) or "synthetic".
      num_train: images that it has learned from.
      accuracy, balanced_accuracy: on the test images, shares of 1.
      network_ahead: balanced accuracy of the arm's network that the report compares, less the
        floor's; None where no network of the arm was tested.
      above_majority: the floor's balanced accuracy less that of the most frequent class, of a
        region's floor (data/regions.py), at the level at which the intervals of all such floors
        hold together; None of other floors, and where an earlier version measured.
    """

    features: str
    arm: str
    num_train: int
    accuracy: float
    balanced_accuracy: float
    network_ahead: GroupEstimate | None = None
    above_majority: GroupEstimate | None = None


@dataclasses.dataclass(frozen=True)
class Floors(Stored):
    """evaluate/floors.json.

    Attributes:
      side: of the images that the floors see, pixels.
      trees: of a forest.
      seed: of forests and of the draws behind intervals.
      unit: what was drawn for intervals: "group" (of the split: patients) or "image".
      floors: per arm, in the order of FEATURES.
    """

    side: int
    trees: int
    seed: int
    unit: str
    floors: tuple[Floor, ...]
