"""The search for copies of `fit` images, calibrated by `fit` alone, and its power.

Two searches (aligned pixels, and features of a network that knows images apart) look for the
nearest `fit` image. What is called a copy follows from `fit` alone (copy_threshold.py), and so does
the power: changed copies of `fit` images are planted and looked for in the same way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from synthmed_jax import verdicts
from synthmed_jax.audit import (
    aligned_search,
    copy_excess,
    copy_threshold,
    identity_net,
    identity_search,
)
from synthmed_jax.audit.aligned_search import Nearest
from synthmed_jax.audit.planted_copies import plant
from synthmed_jax.data import alignment, near_duplicates
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.memorisation import ALIGNED, IDENTITY, Rate

PLANTED = 200
"""At most so many `fit` images are planted, each once per change."""

# Images u8[N,S,S,C] and their groups i64[N] or None -> nearest `fit` images.
Search = Callable[[np.ndarray, np.ndarray | None], Nearest]


@dataclasses.dataclass(frozen=True, eq=False)
class Calibrated:
    """Searches of a set of `fit` images and what they flag.

    Attributes:
      searches: space -> its search.
      different: space -> likeness f64[D] of different `fit` images to their nearest other one.
      thresholds: of each space and of UNION, as of `copy_threshold.thresholds`.
      strict: as of `copy_excess.strict_thresholds`.
      num_left_out: `fit` images with a twin or near-duplicate, which `different` is not of.
    """

    searches: dict[str, Search]
    different: dict[str, np.ndarray]
    thresholds: dict[str, dict[str, float]]
    strict: dict[str, float]
    num_left_out: int

    def look(self, images: np.ndarray) -> dict[str, Nearest]:
        """Returns by space the nearest `fit` images of u8[N,S,S,C]."""
        return {space: search(images, None) for space, search in self.searches.items()}

    def flag(self, nearest: dict[str, Nearest], space: str) -> np.ndarray:
        """Returns bool[N]: which images a space, or UNION, flags."""
        alike = {each: found.alike for each, found in nearest.items()}
        return copy_threshold.flagged(alike, self.thresholds[space])

    def count(self, nearest: dict[str, Nearest], space: str) -> Rate:
        """Returns the rate of images that a space, or UNION, flags."""
        flags = self.flag(nearest, space)
        return copy_threshold.exact_rate(int(flags.sum()), len(flags))

    def false_alarms(self, space: str) -> Rate:
        """Returns the rate of different `fit` images that a space, or UNION, flags."""
        hits = copy_threshold.flagged(self.different, self.thresholds[space])
        return copy_threshold.exact_rate(int(hits.sum()), len(hits))

    def count_strictly(self, nearest: dict[str, Nearest]) -> Rate:
        """Returns the rate of images that a strict threshold flags."""
        alike = {each: found.alike for each, found in nearest.items()}
        flags = copy_threshold.flagged(alike, self.strict)
        return copy_threshold.exact_rate(int(flags.sum()), len(flags))


def prepare(fit: ImageSet, flips: str, seed: int) -> Calibrated | str:
    """Returns the search for copies of `fit` images, or why nothing can be concluded by one.

    Args:
      flips: a key of SYMMETRIES, under which the generator was shown them.
      seed: of the network.
    """
    why = why_not(fit)
    if why:
        return why
    calibrated = calibrate(fit.images, flips, seed)
    if calibrated is not None and calibrated.strict:
        return calibrated
    left = "fewer than 2" if calibrated is None else str(len(calibrated.different[ALIGNED]))
    return (
        f"too few to take thresholds from: {left} of {len(fit)} fit images have no twin or "
        f"near-duplicate among them, and about {copy_excess.FEWEST} are needed"
    )


def calibrate(fit: np.ndarray, flips: str, seed: int) -> Calibrated | None:
    """Trains the network on `fit` images u8[M,S,S,C] and takes thresholds from them.

    Args:
      flips: a key of SYMMETRIES.
      seed: of the network.

    Returns:
      None where fewer than two images are left without twins and near-duplicates.
    """
    components = near_duplicates.find(fit, np.arange(len(fit))).components
    firsts = np.unique(components, return_index=True)[1]
    alone = np.bincount(components)[components] == 1
    if alone.sum() < 2:
        return None
    own = np.arange(len(firsts))
    different = fit[firsts]
    neighbour = aligned_search.find_nearest(different, different, flips, (own, own)).index
    params = identity_net.train(different, neighbour, seed)

    def pair(groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
        return None if groups is None else (groups, components)

    searches: dict[str, Search] = {
        ALIGNED: lambda images, groups: aligned_search.find_nearest(
            images, fit, flips, pair(groups)
        ),
        IDENTITY: lambda images, groups: identity_search.find_nearest(
            params, images, fit, flips, pair(groups)
        ),
    }
    alike = {
        space: search(fit[alone], components[alone]).alike for space, search in searches.items()
    }
    limits = copy_threshold.thresholds(alike)
    strict = copy_excess.strict_thresholds(alike)
    return Calibrated(searches, alike, limits, strict, int((~alone).sum()))


def measure_power(calibrated: Calibrated, fit: np.ndarray, seed: int) -> dict[str, dict[str, Rate]]:
    """Plants changed copies of `fit` images; returns by space and change the rate that is flagged.

    Args:
      fit: u8[M,S,S,C]; at most PLANTED of them are copied.
      seed: of the choice and of the noise.
    """
    count = min(PLANTED, len(fit))
    chosen = np.random.default_rng(seed).choice(len(fit), count, replace=False)
    power: dict[str, dict[str, Rate]] = {space: {} for space in calibrated.thresholds}
    for how, copies in plant(fit[chosen], seed).items():
        nearest = calibrated.look(copies)
        for space in power:
            hits = int(calibrated.flag(nearest, space).sum())
            power[space][how] = copy_threshold.exact_rate(hits, count)
    return power


def why_not(fit: ImageSet) -> str:
    """Why nothing can be concluded about copies of these images; "" where something can."""
    few = verdicts.FEW_IMAGES.value
    small = [f"{name} has {count}" for name, count in fit.counts.items() if count < few]
    if small:
        return (
            f"under {few:.0f} fit images of a class are too few to say how alike different images "
            f"come to be ({', '.join(small)})"
        )
    if fit.images.shape[1] < alignment.SMALLEST:
        return (
            f"images of {fit.images.shape[1]} pixels have too few details to be told apart; "
            f"{alignment.SMALLEST} are needed"
        )
    return ""
