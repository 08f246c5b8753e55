"""Which synthetic images are copies of `fit` images, and which copies this search would find."""

from __future__ import annotations

import dataclasses

import numpy as np

from synthmed_jax import verdicts
from synthmed_jax.audit import copy_excess, copy_threshold
from synthmed_jax.audit.aligned_search import Nearest
from synthmed_jax.audit.copy_search import Calibrated, measure_power, prepare
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.memorisation import (
    ALIGNED,
    UNION,
    AuditMemorisation,
    CopiesOfClass,
    Detector,
    SuspectedPair,
)

PAIRS = 20  # that are listed and drawn


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


def measure_memorisation(
    synthetic: ImageSet,
    fit: ImageSet,
    flips: str,
    seed: int,
    prepared: Calibrated | str | None = None,
    held_out: np.ndarray | None = None,
) -> tuple[AuditMemorisation, Found | None]:
    """Looks for copies of `fit` images among synthetic ones.

    Args:
      synthetic: at least one image.
      fit: what the generator was trained on.
      flips: a key of SYMMETRIES, under which the generator was shown them.
      seed: of the network, and of what is planted.
      prepared: what `prepare` says of `fit`, where it is known already.
      held_out: real images u8[N,S,S,C] without a near-duplicate in `fit`, which are no copies; how
        many of them are flagged is told, and leads to nothing.

    Returns:
      What is written, and what is drawn of it; None where nothing is concluded.
    """
    calibrated = prepare(fit, flips, seed) if prepared is None else prepared
    if isinstance(calibrated, str):
        return _nothing_concluded(synthetic, fit, flips, seed, calibrated), None
    power = measure_power(calibrated, fit.images, seed)
    nearest = calibrated.look(synthetic.images)
    unseen = None if held_out is None or not len(held_out) else calibrated.look(held_out)
    detectors = tuple(
        Detector(
            space,
            limits,
            calibrated.false_alarms(space),
            power[space],
            None if unseen is None else calibrated.count(unseen, space),
        )
        for space, limits in calibrated.thresholds.items()
    )
    false_alarms = detectors[-1].false_alarms
    is_copy = calibrated.flag(nearest, UNION)
    sources = _sources(calibrated, nearest, fit)
    copied = calibrated.count(nearest, UNION)
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
