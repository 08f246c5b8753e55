"""Which synthetic images are copies of `fit` images, and which copies this search would find.

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
from synthmed_jax.results.memorisation import (
    ALIGNED,
    IDENTITY,
    UNION,
    AuditMemorisation,
    CopiesOfClass,
    Detector,
    Rate,
    SuspectedPair,
)

PLANTED = 200
"""At most so many `fit` images are planted, each once per change."""
PAIRS = 20  # that are listed and drawn

# Images u8[N,S,S,C] and their groups i64[N] or None -> nearest `fit` images.
Search = Callable[[np.ndarray, np.ndarray | None], Nearest]


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """What the searches found, of which the pictures are drawn.

    Attributes:
      synthetic: space -> likeness f64[N] of synthetic images to their nearest `fit` image.
      different: space -> the same of different `fit` images to their nearest other one.
      thresholds: space -> above which its search alone flags an image.
      closest: (synthetic, `fit`) images u8[S,S,C] of the pairs that are listed.
    """

    synthetic: dict[str, np.ndarray]
    different: dict[str, np.ndarray]
    thresholds: dict[str, float]
    closest: tuple[tuple[np.ndarray, np.ndarray], ...]


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
    if calibrated is None or not calibrated.strict:
        return (
            "too few fit images are left without twins and near-duplicates to take thresholds from"
        )
    return calibrated


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


def measure_memorisation(
    synthetic: ImageSet,
    fit: ImageSet,
    flips: str,
    seed: int,
    prepared: Calibrated | str | None = None,
) -> tuple[AuditMemorisation, Found | None]:
    """Looks for copies of `fit` images among synthetic ones.

    Args:
      synthetic: at least one image.
      fit: what the generator was trained on.
      flips: a key of SYMMETRIES, under which the generator was shown them.
      seed: of the network, and of what is planted.
      prepared: what `prepare` says of `fit`, where it is known already.

    Returns:
      What is written, and what is drawn of it; None where nothing is concluded.
    """
    calibrated = prepare(fit, flips, seed) if prepared is None else prepared
    if isinstance(calibrated, str):
        return _nothing_concluded(synthetic, fit, flips, seed, calibrated), None
    power = measure_power(calibrated, fit.images, seed)
    nearest = calibrated.look(synthetic.images)
    detectors = tuple(
        Detector(space, limits, _false_alarms(calibrated, space), power[space])
        for space, limits in calibrated.thresholds.items()
    )
    false_alarms = detectors[-1].false_alarms
    is_copy = calibrated.flag(nearest, UNION)
    sources = _sources(calibrated, nearest, fit)
    copied = copy_threshold.exact_rate(int(is_copy.sum()), len(synthetic))
    strictly = calibrated.count_strictly(nearest)
    p = copy_excess.copies_p(copied, strictly, len(calibrated.searches))
    closest = np.argsort(-nearest[ALIGNED].alike, kind="stable")[:PAIRS]
    pairs = tuple(
        SuspectedPair(
            synthetic.files[i],
            fit.files[nearest[ALIGNED].index[i]],
            float(nearest[ALIGNED].alike[i]),
            bool(is_copy[i]),
        )
        for i in closest
    )
    result = AuditMemorisation(
        verdict=verdicts.judge_copies(p),
        why="",
        seed=seed,
        flips=flips,
        num_synthetic=len(synthetic),
        num_fit=len(fit),
        num_left_out=calibrated.num_left_out,
        detectors=detectors,
        copied=copied,
        copied_strictly=strictly,
        excess=copied.share - false_alarms.share,
        p_excess=copy_excess.excess_p(copied, false_alarms),
        p=p,
        fit_copied=copy_threshold.exact_rate(int(sources.sum()), len(fit)),
        classes=_of_classes(synthetic, fit, is_copy, sources),
        holes=tuple(how for how, rate in power[UNION].items() if verdicts.is_hole(rate.share)),
        closest=pairs,
    )
    drawn = tuple((synthetic.images[i], fit.images[nearest[ALIGNED].index[i]]) for i in closest)
    alike = {space: found.alike for space, found in nearest.items()}
    limits = {space: calibrated.thresholds[space][space] for space in calibrated.searches}
    return result, Found(alike, calibrated.different, limits, drawn)


def why_not(fit: ImageSet) -> str:
    """Why nothing can be concluded about copies of these images; "" where something can."""
    few = verdicts.FEW_IMAGES.value
    counts = {name: int((fit.labels == label).sum()) for label, name in enumerate(fit.class_names)}
    small = [f"{name} has {count}" for name, count in counts.items() if count < few]
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


def _false_alarms(calibrated: Calibrated, space: str) -> Rate:
    hits = copy_threshold.flagged(calibrated.different, calibrated.thresholds[space])
    return copy_threshold.exact_rate(int(hits.sum()), len(hits))


def _sources(calibrated: Calibrated, nearest: dict[str, Nearest], fit: ImageSet) -> np.ndarray:
    """bool[M]: `fit` images that are nearest to a flagged image in a space that flags it."""
    sources = np.zeros(len(fit), bool)
    for space, threshold in calibrated.thresholds[UNION].items():
        found = nearest[space]
        sources[found.index[found.alike > threshold]] = True
    return sources


def _of_classes(
    synthetic: ImageSet, fit: ImageSet, is_copy: np.ndarray, sources: np.ndarray
) -> dict[str, CopiesOfClass]:
    found = {}
    for label, name in enumerate(fit.class_names):
        flags, of_fit = is_copy[synthetic.labels == label], sources[fit.labels == label]
        if len(flags):
            copied = copy_threshold.exact_rate(int(flags.sum()), len(flags))
            found[name] = CopiesOfClass(copied, len(of_fit), int(of_fit.sum()))
    return found


def _nothing_concluded(
    synthetic: ImageSet, fit: ImageSet, flips: str, seed: int, why: str
) -> AuditMemorisation:
    return AuditMemorisation(
        verdict=verdicts.Copies.NOTHING_CONCLUDED,
        why=why,
        seed=seed,
        flips=flips,
        num_synthetic=len(synthetic),
        num_fit=len(fit),
        num_left_out=0,
        detectors=(),
        copied=None,
        copied_strictly=None,
        excess=None,
        p_excess=None,
        p=None,
        fit_copied=None,
        classes={},
        holes=(),
        closest=(),
    )
