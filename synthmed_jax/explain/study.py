"""Everything that is measured about one explained image, and summaries of sets of images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from synthmed_jax import verdicts
from synthmed_jax.data import regions
from synthmed_jax.explain import comparison, scores
from synthmed_jax.explain.lime import Explanation, LimeSettings, explain_repeatedly
from synthmed_jax.explain.predictor import Predictor, make_view
from synthmed_jax.explain.second_opinions import GradCam, occlusion
from synthmed_jax.explain.segmentation import segment
from synthmed_jax.results.explanations import Alarm, Comparison, Stability, Summary
from synthmed_jax.statistics.agreement import mean_map_agreement
from synthmed_jax.statistics.intervals import Estimate, mean_estimate, share_estimate

METHODS = ("lime", "occlusion", "grad_cam")
# LIME's numbers that are compared between real and synthetic images.
COMPARED = ("r2", "foreground", "border", "corners", "deletion_gain", "insertion_gain")
EDGES = tuple(regions.REGIONS)  # areas where importance hints at a shortcut


@dataclasses.dataclass(frozen=True)
class Study:
    """One image, explained and scored.

    Attributes:
      explanations: by LIME, one per seed.
      stability: over seeds; None for a single one.
      numbers: method -> score -> value, None where the image has none.
      heat: f64[M,M], LIME's importance on a coarse grid; None where no region has any, or none is
        known to have some.
    """

    explanations: tuple[Explanation, ...]
    stability: Stability | None
    numbers: dict[str, dict[str, float | None]]
    heat: np.ndarray | None

    @property
    def explanation(self) -> Explanation:
        """Under the first seed: what pictures show and numbers are of."""
        return self.explanations[0]


def study(
    predictor: Predictor,
    grad_cam: GradCam,
    image: np.ndarray,
    settings: LimeSettings,
    repeats: int,
    whole: np.ndarray,
    lesion: np.ndarray | None = None,
) -> Study:
    """Explains the class that the network predicts, by all METHODS, and scores them.

    Args:
      image: u8[S,S,C].
      repeats: how often LIME explains it, each time with another seed.
      whole: f32[K], the network's answer to the image.
      lesion: bool[S,S], where the truth is known.
    """
    view = make_view(image, segment(image, settings.segmentation, settings.regions))
    label = int(whole.argmax())
    explanations = explain_repeatedly(predictor, view, settings, repeats, whole, label)
    first = explanations[0]
    weights = {
        "lime": first.label_weights,
        "occlusion": occlusion(predictor, view, label),
        "grad_cam": grad_cam(view, label),
    }
    areas = scores.faithfulness(predictor, view, label, list(weights.values()), settings.seed)
    numbers: dict[str, dict[str, float | None]] = {}
    for (method, of_regions), faithful in zip(weights.items(), areas, strict=True):
        shares = _importance(first) if method == "lime" else scores.importance(of_regions)
        numbers[method] = _where(image, view.segments, shares, lesion)
        numbers[method] |= {
            "deletion": faithful.deletion,
            "insertion": faithful.insertion,
            "deletion_gain": faithful.deletion_gain,
            "insertion_gain": faithful.insertion_gain,
        }
        if lesion is not None and lesion.any():
            hit, chance = scores.pointing(of_regions, view.segments, lesion)
            numbers[method] |= {"hit": float(hit), "hit_by_chance": chance}
    numbers["lime"]["r2"] = float(first.r2[label])
    stability = scores.stability([e.label_weights for e in explanations]) if repeats > 1 else None
    return Study(tuple(explanations), stability, numbers, coarse_heat(first))


def study_evaluations(settings: LimeSettings, repeats: int) -> float:
    """About how many perturbed images `study` asks about, for one cut into `settings.regions`.

    Exactly so many where LIME always takes `settings.num_samples`.
    """
    per_order = settings.regions + 1
    # Deletion and insertion in each method's order, and random orders, which serve both.
    orders = 2 * len(METHODS) + scores.RANDOM_ORDERS
    # LIME, to which the image itself is known, and occlusion; Grad-CAM is one pass.
    return repeats * (settings.expected_samples - 1) + per_order + orders * per_order


def coarse_heat(explanation: Explanation) -> np.ndarray | None:
    """LIME's importance on a coarse grid, f64[M,M] summing to 1; None where there is none."""
    shares = _importance(explanation)
    if shares is None:
        return None
    return comparison.coarse(scores.spread(shares, explanation.view.segments))


def _importance(explanation: Explanation) -> np.ndarray | None:
    return scores.importance(explanation.label_weights, explanation.label_errors)


def _where(
    image: np.ndarray, segments: np.ndarray, shares: np.ndarray | None, lesion: np.ndarray | None
) -> dict[str, float | None]:
    """Enrichment of importance in the areas that are known for every image."""
    size = len(image)
    areas = {
        "foreground": regions.foreground(image),
        "border": scores.border(size),
    } | {name: area_of(image[None])[0] for name, area_of in regions.REGIONS.items()}
    if lesion is not None:
        areas["lesion"] = lesion
    if shares is None:
        return dict.fromkeys(areas)
    return {name: scores.enrichment(shares, segments, area) for name, area in areas.items()}


def summarise(studies: Sequence[Study]) -> Summary:
    """Returns method -> number -> its estimate, over the images that have that number."""
    summary: Summary = {}
    for method in METHODS:
        names = sorted({name for each in studies for name in each.numbers[method]})
        summary[method] = {
            name: _estimate(name, values_of(studies, name, method)) for name in names
        }
    stabilities = [each.stability for each in studies if each.stability]
    summary["lime"] |= {
        "rank_correlation": mean_estimate([each.rank_correlation for each in stabilities]),
        "top_overlap": mean_estimate([each.top_overlap for each in stabilities]),
    }
    return summary


def _estimate(name: str, values: Sequence[float]) -> Estimate:
    return share_estimate(values) if name == "hit" else mean_estimate(values)


def values_of(studies: Sequence[Study], name: str, method: str = "lime") -> list[float]:
    """One number of all images that have it."""
    values = [each.numbers[method].get(name) for each in studies]
    return [value for value in values if value is not None]


def compare(
    real: Mapping[str, Sequence[Study]], synthetic: Mapping[str, Sequence[Study]], seed: int
) -> Comparison:
    """Compares real with synthetic images, class by class: their numbers and their mean maps.

    Args:
      real, synthetic: class -> the studies of its images.
      seed: of the halves that say how alike two sets of one kind are.
    """
    places = {
        name: mean_map_agreement(_heats(studies), _heats(synthetic.get(name, ())), seed)
        for name, studies in real.items()
    }
    return Comparison(comparison.two_sample_tests(_table(real), _table(synthetic)), places)


def _table(classes: Mapping[str, Sequence[Study]]) -> comparison.Table:
    return {
        name: {number: values_of(studies, number) for number in COMPARED}
        for name, studies in classes.items()
    }


def _heats(studies: Sequence[Study]) -> list[np.ndarray]:
    return [each.heat for each in studies if each.heat is not None]


def shortcut_alarms(summaries: Mapping[str, Summary]) -> tuple[Alarm, ...]:
    """Returns where importance at an edge of the image is surely above its share of the area.

    Args:
      summaries: class -> `summarise`.
    """
    shares = [
        (name, area, summary["lime"][area])
        for name, summary in summaries.items()
        for area in EDGES
        if area in summary["lime"]
    ]
    return tuple(
        Alarm(name, area, share) for name, area, share in shares if verdicts.is_shortcut(share)
    )
