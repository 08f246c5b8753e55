"""The explained images of one kind, real or synthetic: their records, and nearest neighbours."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain import comparison, scores
from synthmed_jax.explain.lime import Explanation
from synthmed_jax.explain.study import Study, coarse_heat

KINDS = ("real", "synthetic")


class Explained(NamedTuple):
    """Explained images of one kind.

    Attributes:
      images: at the network's size.
      roles: of each, those of choice.ROLES; none: it was drawn for the numbers alone.
      sampled: bool of each, whether it was drawn for the numbers.
      studies: one each.
      nearest: synthetic images' nearest real ones, else None.
      nearest_found: their explanations.
    """

    images: ImageSet
    roles: list[list[str]]
    sampled: list[bool]
    studies: list[Study]
    nearest: ImageSet | None
    nearest_found: list[Explanation]

    def by_class(self) -> dict[str, list[Study]]:
        """The studies that the numbers are of, of every class that has some."""
        names = self.images.class_names
        found: dict[str, list[Study]] = {name: [] for name in names}
        for label, sampled, each in zip(
            self.images.labels, self.sampled, self.studies, strict=True
        ):
            if sampled:
                found[names[label]].append(each)
        return {name: studies for name, studies in found.items() if studies}


def records(kind: str, found: Explained) -> list[dict[str, Any]]:
    """What lime.json says of each image."""
    names = found.images.class_names
    records = []
    for i, each in enumerate(found.studies):
        own = each.explanation
        records.append(
            {
                "kind": kind,
                "file": found.images.files[i],
                "label": names[found.images.labels[i]],
                "predicted": names[own.label],
                "roles": found.roles[i],
                "sampled": found.sampled[i],
                "probabilities": dict(zip(names, own.probabilities.tolist(), strict=True)),
                "weights": own.own_weights.tolist(),
                "standard_errors": None
                if own.standard_errors is None
                else own.standard_errors[:, own.label].tolist(),
                "r2": float(own.r2[own.label]),
                "stability": each.stability._asdict() if each.stability else None,
                "numbers": each.numbers,
                "nearest": found.nearest.files[i] if found.nearest else None,
            }
        )
    return records


def agreement_with_nearest(found: Explained) -> dict[str, Any]:
    """Rank correlation of synthetic images' maps with those of their nearest real ones.

    Beside it the same with the nearest ones of other synthetic images of the class: by chance.
    """
    own, chance = [], []
    heats = [coarse_heat(each) for each in found.nearest_found]
    for i, each in enumerate(found.studies):
        if not found.sampled[i] or each.heat is None:
            continue
        others = [
            heat
            for j, heat in enumerate(heats)
            if j != i and found.images.labels[j] == found.images.labels[i] and heat is not None
        ]
        mine = heats[i]
        if mine is not None and others:
            flat = each.heat.ravel()
            own.append(scores.rank_correlation(flat, mine.ravel()))
            chance.append(
                float(np.mean([scores.rank_correlation(flat, heat.ravel()) for heat in others]))
            )
    return {
        "nearest": comparison.interval_of_mean(own),
        "others_of_the_class": comparison.interval_of_mean(chance),
    }
