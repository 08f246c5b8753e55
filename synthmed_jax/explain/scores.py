"""Numbers about explanations: where importance lies, whether it is true, whether it is stable.

Every function takes one weight per region, whichever method gave it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from synthmed_jax.data import regions
from synthmed_jax.explain.predictor import Predictor, View
from synthmed_jax.results.explanations import Stability
from synthmed_jax.statistics.agreement import rank_correlation

SURE_ERRORS = 2.0  # standard errors that a weight must be away from 0 to count
RANDOM_ORDERS = 5  # of hiding regions, with which an order by importance is compared


def importance(weights: np.ndarray, errors: np.ndarray | None = None) -> np.ndarray | None:
    """Returns each region's share of all importance, f64[R], summing to 1.

    A region's importance is the magnitude of its weight, or 0 where that is at most SURE_ERRORS
    standard errors. None where no region has any, and where the errors are not known: which
    regions count can't be told then.

    Args:
      weights: f64[R].
      errors: f64[R], their standard errors, NaN where they are not known; None: every weight
        counts.
    """
    size = np.abs(weights)
    if errors is not None:
        if np.isnan(errors).any():
            return None
        size = np.where(size > SURE_ERRORS * errors, size, 0)
    total = size.sum()
    return size / total if total > 0 else None


def spread(shares: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Spreads shares f64[R] evenly over the pixels of their regions: f64[S,S], of the same sum."""
    return (shares / np.bincount(segments.reshape(-1)))[segments]


def enrichment(shares: np.ndarray, segments: np.ndarray, area: np.ndarray) -> float | None:
    """Returns an area's share of the importance over its share of the pixels; 1.0: no preference.

    None for an area of no or of all pixels.

    Args:
      shares: f64[R], of `importance`.
      segments: i32[S,S].
      area: bool[S,S].
    """
    part = float(area.mean())
    return float(spread(shares, segments)[area].sum()) / part if 0 < part < 1 else None


def border(size: int) -> np.ndarray:
    """The outer eighth along each side, where scale bars and burnt-in text are, bool[S,S]."""
    return regions.rim(size, max(1, size // 8))


class Faithfulness(NamedTuple):
    """Mean probability of the explained class while regions are hidden, or shown, one by one.

    Attributes:
      deletion: while regions are hidden, most important first; low is good.
      insertion: while they are shown, most important first; high is good.
      chance: the same in random orders. Hiding in one order is showing in the reverse, which is as
        random: chance gives both the same.
    """

    deletion: float
    insertion: float
    chance: float

    @property
    def deletion_gain(self) -> float:
        """How much faster than at random the probability falls."""
        return self.chance - self.deletion

    @property
    def insertion_gain(self) -> float:
        """How much faster than at random the probability rises."""
        return self.insertion - self.chance


def faithfulness(
    predictor: Predictor,
    view: View,
    label: int,
    rankings: Sequence[np.ndarray],
    seed: int,
) -> list[Faithfulness]:
    """Areas under the deletion and insertion curves (Petsiuk et al., 2018), for each ranking.

    Args:
      rankings: weights f64[R] of this view, by one method each; the largest comes first.
      seed: of the RANDOM_ORDERS random orders, which all methods share.
    """
    rng = np.random.default_rng(seed)
    down = [_removal(np.argsort(-weights, kind="stable")) for weights in rankings]
    random = [_removal(rng.permutation(view.num_regions)) for _ in range(RANDOM_ORDERS)]
    masks = np.concatenate([*down, *(~hidden for hidden in down), *random])
    answers = predictor.masked(view, masks)[:, label].astype(np.float64)
    areas = answers.reshape(-1, view.num_regions + 1).mean(axis=-1)
    deletions, insertions, by_chance = np.split(areas, [len(down), 2 * len(down)])
    chance = float(by_chance.mean())
    return [
        Faithfulness(float(deletion), float(insertion), chance)
        for deletion, insertion in zip(deletions, insertions, strict=True)
    ]


def _removal(order: np.ndarray) -> np.ndarray:
    """bool[R+1,R]: row i hides the first i regions of the order."""
    place = np.argsort(order)
    return place[None, :] >= np.arange(len(order) + 1)[:, None]


def stability(repeats: Sequence[np.ndarray], top: int = 5) -> Stability:
    """Compares explanations of one image under different seeds.

    Args:
      repeats: weights f64[R], two or more.
      top: so many regions of the largest weights, whose overlap is measured.
    """
    pairs = list(itertools.combinations(repeats, 2))
    correlations = [rank_correlation(a, b) for a, b in pairs]
    best = [{int(i) for i in np.argsort(-weights, kind="stable")[:top]} for weights in repeats]
    overlaps = [len(a & b) / len(a) for a, b in itertools.combinations(best, 2)]
    return Stability(float(np.mean(correlations)), float(np.mean(overlaps)))


def pointing(weights: np.ndarray, segments: np.ndarray, lesion: np.ndarray) -> tuple[bool, float]:
    """The pointing game (Zhang et al., 2018): does the strongest region point into the lesion?

    A region points at its pixel nearest to its centre.

    Args:
      weights: f64[R].
      segments: i32[S,S].
      lesion: bool[S,S].

    Returns (hit, chance): chance is the share of all regions that point into the lesion.
    """
    inside = np.array([lesion[middle(segments == r)] for r in range(int(segments.max()) + 1)])
    return bool(inside[weights.argmax()]), float(inside.mean())


def middle(region: np.ndarray) -> tuple[int, int]:
    """Row and column of a region's pixel, of bool[S,S], that is nearest to its centre."""
    pixels = np.argwhere(region)
    nearest = ((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()
    row, column = pixels[nearest]
    return int(row), int(column)
