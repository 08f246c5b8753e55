"""Tests of differences, and their adjustment for how many were made."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from scipy import stats


@dataclasses.dataclass(frozen=True)
class TwoSamples:
    """Two samples compared.

    Attributes:
      superiority: chance that a random value of the second is larger, ties halved; 0.5: none is.
      p: Mann and Whitney's, two-sided.
    """

    superiority: float
    p: float


def compare_samples(first: Sequence[float], second: Sequence[float]) -> TwoSamples:
    """Compares two samples of one or more values each (Mann & Whitney, 1947)."""
    test = stats.mannwhitneyu(second, first, alternative="two-sided")
    return TwoSamples(float(test.statistic) / (len(first) * len(second)), float(test.pvalue))


def adjust_for_false_discovery(p: Sequence[float]) -> list[float]:
    """Returns p values adjusted for the false discovery rate (Benjamini & Hochberg, 1995)."""
    return [float(q) for q in stats.false_discovery_control(p)] if len(p) else []
