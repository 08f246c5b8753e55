"""audit/memorisation.json: which synthetic images are copies, and which copies would be found."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.release import Release
from synthmed_jax.results.stored import Stored

ALIGNED, IDENTITY, UNION = "aligned", "identity", "union"


@dataclasses.dataclass(frozen=True)
class Rate:
    """A share of n images with its exact 95 % interval.

    Attributes:
      hits: of n.
      n: at least 1.
      share: hits / n.
      low, high: ends of the interval.
    """

    hits: int
    n: int
    share: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Detector:
    """A way to flag copies.

    Attributes:
      space: ALIGNED, IDENTITY or UNION.
      thresholds: space -> likeness above which an image is flagged.
      false_alarms: of the different `fit` images that the thresholds come from.
      power: what was done to a planted copy -> the rate of those that are flagged.
      held_out: of held-out images without a near-duplicate in `fit` or `val`, those that are
        flagged; None where there is none, or an earlier version did not look.
    """

    space: str
    thresholds: dict[str, float]
    false_alarms: Rate
    power: dict[str, Rate]
    held_out: Rate | None = None


@dataclasses.dataclass(frozen=True)
class CopiesOfClass:
    """Synthetic images of a class.

    Attributes:
      copied: those that the union flags.
      num_fit: `fit` images of the class.
      fit_copied: `fit` images of the class that are the nearest of a flagged image of any class.
    """

    copied: Rate
    num_fit: int
    fit_copied: int


@dataclasses.dataclass(frozen=True)
class SuspectedPair:
    """A synthetic image and its nearest `fit` image by alignment.

    Attributes:
      path: of the synthetic image.
      nearest: file of the `fit` image.
      alike: their correlation.
      flagged: whether the union flags it.
    """

    path: str
    nearest: str
    alike: float
    flagged: bool


@dataclasses.dataclass(frozen=True)
class AuditMemorisation(Stored):
    """audit/memorisation.json.

    Attributes:
      verdict: one of verdicts.Copies.
      why: what can't be concluded, and why; "" where something can.
      seed: of the network, and of what is planted.
      flips: the symmetries under which images were compared.
      num_synthetic, num_fit: images.
      num_left_out: `fit` images that no threshold comes from, since they have a twin or a
        near-duplicate in `fit`.
      detectors: of each space, and UNION last; empty where nothing is concluded.
      copied: synthetic images that the union flags; None where nothing is concluded.
      copied_strictly: those that a stricter threshold flags; None where there is none.
      excess: share of `copied` less that of false alarms.
      p_excess: of so many flagged images or more, if they were flagged as often as images are that
        are no copies; images that are only smoother than real ones may make it small.
      p: of what was flagged, by both thresholds, if none were a copy; the verdict follows from it.
      fit_copied: `fit` images that are the nearest of a flagged image.
      classes: class -> its own.
      holes: planted changes of which the union finds fewer than it should.
      closest: the pairs most alike by alignment, the closest first.
      release: the verdict on each kind of release; it needs the attacks on membership as well.
    """

    verdict: str
    why: str
    seed: int
    flips: str
    num_synthetic: int
    num_fit: int
    num_left_out: int
    detectors: tuple[Detector, ...]
    copied: Rate | None
    copied_strictly: Rate | None
    excess: float | None
    p_excess: float | None
    p: float | None
    fit_copied: Rate | None
    classes: dict[str, CopiesOfClass]
    holes: tuple[str, ...]
    closest: tuple[SuspectedPair, ...]
    release: tuple[Release, ...] = ()
