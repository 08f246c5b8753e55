"""The explained images of one kind, real or synthetic: their records, and nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain.lime import Explanation, LimeSettings
from synthmed_jax.explain.study import Study, coarse_heat
from synthmed_jax.results.explanations import Evaluations, ImageExplanation, NearestAgreement
from synthmed_jax.statistics.agreement import rank_correlation
from synthmed_jax.statistics.intervals import mean_estimate

KINDS = ("real", "synthetic")


class Explained(NamedTuple):
    """Explained images of one kind.

    Attributes:
      images: at the network's size.
      roles: per image, those of choice.ROLES; none: it was drawn for the numbers alone.
      sampled: per image, whether it was drawn for the numbers.
      studies: one per image.
      nearest: synthetic images' nearest real ones, else None.
      nearest_explanations: of these, one per image; empty where there are none.
    """

    images: ImageSet
    roles: list[list[str]]
    sampled: list[bool]
    studies: list[Study]
    nearest: ImageSet | None
    nearest_explanations: list[Explanation]

    def by_class(self) -> dict[str, list[Study]]:
        """The studies that the numbers are made from, of every class that has some."""
        names = self.images.class_names
        studies: dict[str, list[Study]] = {name: [] for name in names}
        for label, sampled, study in zip(
            self.images.labels, self.sampled, self.studies, strict=True
        ):
            if sampled:
                studies[names[label]].append(study)
        return {name: of_class for name, of_class in studies.items() if of_class}


def records(kind: str, explained: Explained) -> tuple[ImageExplanation, ...]:
    """Returns what lime.json holds of each image; `kind` is one of KINDS."""
    return tuple(_record(kind, explained, i) for i in range(len(explained.studies)))


def _record(kind: str, explained: Explained, i: int) -> ImageExplanation:
    names, study = explained.images.class_names, explained.studies[i]
    explanation = study.explanation
    errors = None if explanation.is_unsure else explanation.label_errors
    return ImageExplanation(
        kind=kind,
        file=explained.images.files[i],
        label=names[explained.images.labels[i]],
        predicted=names[explanation.label],
        roles=tuple(explained.roles[i]),
        sampled=explained.sampled[i],
        probabilities=dict(zip(names, explanation.probabilities.tolist(), strict=True)),
        weights=tuple(explanation.label_weights.tolist()),
        standard_errors=None if errors is None else tuple(errors.tolist()),
        r2=float(explanation.r2[explanation.label]),
        stability=study.stability,
        num_samples=explanation.num_samples,
        relative_error=None if errors is None else explanation.relative_error,
        numbers=study.numbers,
        nearest=explained.nearest.files[i] if explained.nearest else None,
    )


def evaluations_of(explained: Mapping[str, Explained], settings: LimeSettings) -> Evaluations:
    """Counts the perturbed images of all explanations: of all seeds, and of nearest real images.

    Args:
      explained: kind (KINDS) -> its explained images.
      settings: under which they were explained.
    """
    explanations = [
        explanation
        for of_kind in explained.values()
        for explanation in (
            *(each for study in of_kind.studies for each in study.explanations),
            *of_kind.nearest_explanations,
        )
    ]
    used = [each.num_samples for each in explanations]
    return Evaluations(
        explanations=len(used),
        total=sum(used),
        median=float(np.median(used)),
        most=max(used),
        imprecise=sum(_is_imprecise(each, settings.precision) for each in explanations),
    )


def _is_imprecise(explanation: Explanation, precision: float) -> bool:
    """Whether a precision was asked for and not reached: also where the error is not known."""
    error = explanation.relative_error
    return precision > 0 and not (error is not None and error <= precision)


def agreement_with_nearest(explained: Explained) -> NearestAgreement:
    """Rank correlation of synthetic images' maps with those of their nearest real ones.

    Beside it the same with the nearest ones of other synthetic images of the class: by chance.
    """
    nearest, chance = [], []
    labels = explained.images.labels
    heats = [coarse_heat(explanation) for explanation in explained.nearest_explanations]
    for i, study in enumerate(explained.studies):
        if not explained.sampled[i] or study.heat is None:
            continue
        others = [
            heat
            for j, heat in enumerate(heats)
            if j != i and labels[j] == labels[i] and heat is not None
        ]
        heat_of_nearest = heats[i]
        if heat_of_nearest is not None and others:
            flat = study.heat.ravel()
            nearest.append(rank_correlation(flat, heat_of_nearest.ravel()))
            chance.append(float(np.mean([rank_correlation(flat, heat.ravel()) for heat in others])))
    return NearestAgreement(mean_estimate(nearest), mean_estimate(chance))
