"""Whether the classes can be told by a part of the image that holds no finding, and if it is used.

The floors of evaluate/floors.json say what a region knows of the classes; the probes of
explain/lime.json, what the explained network makes of it.
"""

from __future__ import annotations

import dataclasses

from synthmed_jax import verdicts
from synthmed_jax.results.explanations import LimeSummary, RegionProbe
from synthmed_jax.results.floors import MAJORITY, Floor, Floors
from synthmed_jax.verdicts import Shortcut, Threshold


@dataclasses.dataclass(frozen=True)
class RegionEvidence:
    """What is known of a region.

    Attributes:
      verdict: what follows from it.
      probe: of the explained network.
      floors: arm -> its forest that sees the region alone; empty where an earlier version
        evaluated, which did not look there.
    """

    verdict: Shortcut
    probe: RegionProbe
    floors: dict[str, Floor]


@dataclasses.dataclass(frozen=True)
class ShortcutEvidence:
    """All regions, and what their numbers were held against.

    Attributes:
      verdict: the gravest of the regions.
      regions: in the order of data/regions.py's REGIONS.
      majority: balanced accuracy of the most frequent class, share of 1; None: not measured.
      information_above: of a floor's gain over the majority, share of 1.
      loss_above: of the balanced accuracy that the network loses, share of 1.
      importance_above: of LIME's importance over the region's area.
    """

    verdict: Shortcut
    regions: tuple[RegionEvidence, ...]
    majority: float | None
    information_above: Threshold
    loss_above: Threshold
    importance_above: Threshold


def weigh(lime: LimeSummary, floors: Floors | None) -> ShortcutEvidence | None:
    """Judges every region that was probed; None where an earlier version explained."""
    if not lime.probes:
        return None
    measured = () if floors is None else floors.floors
    regions = tuple(_weigh(probe, measured) for probe in lime.probes)
    majority = (each.balanced_accuracy for each in measured if each.features == MAJORITY)
    return ShortcutEvidence(
        verdict=verdicts.gravest([each.verdict for each in regions]),
        regions=regions,
        majority=next(majority, None),
        information_above=verdicts.INFORMATION_ABOVE,
        loss_above=verdicts.LOSS_ABOVE,
        importance_above=verdicts.EDGE_SHARE,
    )


def _weigh(probe: RegionProbe, measured: tuple[Floor, ...]) -> RegionEvidence:
    floors = {
        floor.arm: floor
        for floor in measured
        if floor.features == probe.region and floor.above_majority is not None
    }
    above = [each.above_majority for each in floors.values() if each.above_majority is not None]
    verdict = verdicts.judge_shortcut(above, probe.loss, probe.importance)
    return RegionEvidence(verdict, probe, floors)
