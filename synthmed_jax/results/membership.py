"""audit/membership.json: whether attacks tell learned images from others."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.fidelity import BitsPerDimension
from synthmed_jax.results.stored import Stored
from synthmed_jax.statistics.roc import AreaEstimate, HitRate

FILE = "membership.json"
# Who attacks, by what was released.
IMAGES_ONLY, IMAGES_AND_WEIGHTS = "images only", "images and weights"
FILTERED_ONLY = "filtered images only"
NEARNESS, LOSS = "nearness", "denoising loss"
NEARNESS_OF_FILTERED = "nearness to filtered images"
CALIBRATED = "calibrated denoising loss"
FOREST, VARIATION, PNG_SIZE = "forest on pixels", "total variation", "size as PNG"


@dataclasses.dataclass(frozen=True)
class Attack:
    """One attack: scores of members and of as many other real images.

    Attributes:
      name: LOSS, NEARNESS, NEARNESS_OF_FILTERED or CALIBRATED.
      attacker: what the attacker has: IMAGES_ONLY, IMAGES_AND_WEIGHTS or FILTERED_ONLY.
      area: under the ROC curve, above 0.5 where members can be told.
      hits: members found at few false alarms.
      difference: mean score of members less that of others, in standard deviations of the others'.
      p_set: one-sided P value of the test of the whole set: groups are exchanged between members
        and others.
      verdict: a value of `verdicts.Membership`.
      fewest: members or others that were asked about, in the class that has fewest.
    """

    name: str
    attacker: str
    area: AreaEstimate
    hits: tuple[HitRate, ...]
    difference: float
    p_set: float
    verdict: str
    fewest: int


@dataclasses.dataclass(frozen=True)
class LevelArea:
    """The loss at one level of noise alone; exploratory.

    Attributes:
      level: share of T.
      step: of T, from 0.
      area: under the ROC curve.
      p: one-sided, of an area of 0.5 or below, adjusted for the number of levels (Holm).
    """

    level: float
    step: int
    area: AreaEstimate
    p: float


@dataclasses.dataclass(frozen=True)
class Blind:
    """A score that knows nothing of the generator: it must not tell members from others.

    Attributes:
      name: FOREST, VARIATION or PNG_SIZE.
      area: under the ROC curve (of the forest, on the half of the images that it has not learned
        from), at a level at which all blind scores together hold 0.5 in 95 %.
    """

    name: str
    area: AreaEstimate


@dataclasses.dataclass(frozen=True)
class Membership(Stored):
    """audit/membership.json.

    Attributes:
      seed: of the draws of images, noise, forests and permutations.
      limit: most members, all classes together.
      num_members: class -> members, which is the number of the others too.
      num_fit: class -> images of `fit`.
      num_linked: others that are twins or near-duplicates of `fit` or `val`; in files of earlier
        versions, held-out images that were left out for that.
      draws: of noise, per image and level.
      why: why nothing was measured; "" where it was.
      attacks: that were declared beforehand.
      levels: of the loss, exploratory.
      blind: scores without the generator.
      num_references: generators of other seeds, by which the loss was calibrated.
      bits: "fit", "val" -> class, or "all" for one model of all classes -> the variational bound.
    """

    seed: int
    limit: int
    num_members: dict[str, int]
    num_fit: dict[str, int]
    num_linked: int
    draws: int
    why: str
    attacks: tuple[Attack, ...]
    levels: tuple[LevelArea, ...]
    blind: tuple[Blind, ...]
    bits: dict[str, dict[str, BitsPerDimension]]
    num_references: int = 0

    @property
    def blind_tells(self) -> bool:
        """Whether members can be told from others without the generator.

        Not so where a score errs the other way: a forest does, where members and others are twins
        of each other.
        """
        return any(each.area.low > 0.5 for each in self.blind)
