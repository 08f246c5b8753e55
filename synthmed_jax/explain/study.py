"""Everything that is measured about one explained image, and what it comes to for sets of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from synthmed_jax.explain import comparison, scores
from synthmed_jax.explain.lime import Explanation, LimeSettings, explain
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.explain.second_opinions import GradCam, occlusion

METHODS = ("lime", "occlusion", "grad_cam")
# What is compared between real and synthetic images; of LIME.
COMPARED = ("r2", "foreground", "border", "corners", "deletion_gain", "insertion_gain")


@dataclasses.dataclass(frozen=True)
class Study:
    """One image, explained and scored.

    Attributes:
      explanation: by LIME, under the first seed.
      stability: over seeds; None for a single one.
      numbers: method -> score -> value, None where the image has none.
      heat: f64[M,M], LIME's importance on a coarse grid; None where no region has any.
    """

    explanation: Explanation
    stability: scores.Stability | None
    numbers: dict[str, dict[str, float | None]]
    heat: np.ndarray | None


def study(
    predictor: Predictor,
    grad_cam: GradCam,
    image: np.ndarray,
    settings: LimeSettings,
    repeats: int,
    lesion: np.ndarray | None = None,
) -> Study:
    """Explains the class that the network says, by all METHODS, and scores them.

    Args:
      image: u8[S,S,C].
      repeats: how often LIME explains it, each time with another seed.
      lesion: bool[S,S], where the truth is known.
    """
    runs = [
        explain(predictor, image[None], dataclasses.replace(settings, seed=settings.seed + i))[0]
        for i in range(repeats)
    ]
    found = runs[0]
    view, label = found.view, found.label
    weights = {
        "lime": found.own_weights,
        "occlusion": occlusion(predictor, view, label),
        "grad_cam": grad_cam(view, label),
    }
    true = scores.faithfulness(predictor, view, label, list(weights.values()), settings.seed)
    numbers: dict[str, dict[str, float | None]] = {}
    for (method, own), faithful in zip(weights.items(), true, strict=True):
        shares = _importance(found) if method == "lime" else scores.importance(own)
        numbers[method] = _where(image, view.segments, shares, lesion)
        numbers[method] |= {
            "deletion": faithful.deletion,
            "insertion": faithful.insertion,
            "deletion_gain": faithful.deletion_gain,
            "insertion_gain": faithful.insertion_gain,
        }
        if lesion is not None and lesion.any():
            hit, chance = scores.pointing(own, view.segments, lesion)
            numbers[method] |= {"hit": float(hit), "hit_by_chance": chance}
    numbers["lime"]["r2"] = float(found.r2[label])
    stable = scores.stability([run.own_weights for run in runs]) if repeats > 1 else None
    return Study(found, stable, numbers, coarse_heat(found))


def study_evaluations(settings: LimeSettings, repeats: int) -> int:
    """How many perturbed images `study` has of an image that is cut into `settings.regions`."""
    each_region = settings.regions + 1
    orders = len(METHODS) + scores.RANDOM_ORDERS
    # LIME, occlusion, deletion and insertion; Grad-CAM is one pass.
    return repeats * settings.num_samples + each_region + 2 * orders * each_region


def coarse_heat(found: Explanation) -> np.ndarray | None:
    """LIME's importance on a coarse grid, f64[M,M] summing to 1; None where there is none."""
    shares = _importance(found)
    if shares is None:
        return None
    return comparison.coarse(scores.spread(shares, found.view.segments))


def _importance(found: Explanation) -> np.ndarray | None:
    errors = found.standard_errors
    return scores.importance(found.own_weights, None if errors is None else errors[:, found.label])


def _where(
    image: np.ndarray, segments: np.ndarray, shares: np.ndarray | None, lesion: np.ndarray | None
) -> dict[str, float | None]:
    """Enrichment of importance in the areas that are known for every image."""
    size = len(image)
    areas = {
        "foreground": scores.foreground(image),
        "border": scores.border(size),
        "corners": scores.corners(size),
    }
    if lesion is not None:
        areas["lesion"] = lesion
    if shares is None:
        return dict.fromkeys(areas)
    return {name: scores.enrichment(shares, segments, area) for name, area in areas.items()}


def summarise(studies: Sequence[Study]) -> dict[str, dict[str, Any]]:
    """Method -> number -> n, mean, standard deviation and interval, of images that have it."""
    summary: dict[str, dict[str, Any]] = {}
    for method in METHODS:
        names = sorted({name for each in studies for name in each.numbers[method]})
        summary[method] = {
            name: _interval(name)(values_of(studies, name, method)) for name in names
        }
    for name in scores.Stability._fields:
        known = [getattr(each.stability, name) for each in studies if each.stability]
        summary["lime"][name] = comparison.interval_of_mean(known)
    return summary


def _interval(name: str) -> Callable[[Sequence[float]], dict[str, Any]]:
    return comparison.interval_of_share if name == "hit" else comparison.interval_of_mean


def values_of(studies: Sequence[Study], name: str, method: str = "lime") -> list[float]:
    """One number of all images that have it."""
    values = [each.numbers[method].get(name) for each in studies]
    return [value for value in values if value is not None]


def compare(
    real: Mapping[str, Sequence[Study]], synthetic: Mapping[str, Sequence[Study]], seed: int
) -> dict[str, Any]:
    """Real against synthetic, class by class: numbers ("tests") and mean maps ("places")."""
    tables = [
        {name: {n: values_of(found, n) for n in COMPARED} for name, found in kind.items()}
        for kind in (real, synthetic)
    ]
    places = {
        name: comparison.same_places(
            [s.heat for s in found if s.heat is not None],
            [s.heat for s in synthetic.get(name, ()) if s.heat is not None],
            seed,
        )
        for name, found in real.items()
    }
    return {"tests": comparison.two_sample_tests(*tables), "places": places}


def shortcut_alarms(summaries: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where importance at the border or in the corners is surely above its share of the area.

    Args:
      summaries: class -> `summarise`.

    Returns class, area, and the mean with its interval, of every alarm.
    """
    return [
        {"class": name, "area": area, **summary["lime"][area]}
        for name, summary in summaries.items()
        for area in ("border", "corners")
        if (summary["lime"].get(area, {}).get("low") or 0.0) > 1
    ]
