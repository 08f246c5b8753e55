"""Counts twins and near-duplicates within the classes, across classes and across parts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthmed_jax.data.copies import Parted
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.near_duplicates import Duplicates
from synthmed_jax.results.leakage import Alike, AlikePair, ClassLinks

SHOWN = 12
"""At most so many pairs across the parts are listed and drawn."""
_LISTED = 100  # at most so many pairs under two labels are listed


def count_alike(
    whole: ImageSet,
    duplicates: Duplicates,
    parts: Parted,
    part_names: tuple[str, str, str],
    power: Mapping[str, float],
    num_reference: int,
) -> Alike:
    """Counts, class by class.

    Args:
      whole: the N images.
      duplicates: what is alike among them.
      parts: of a split.
      part_names: of fit, val and what is held out.
      power, num_reference: as in `Alike`.
    """
    part_of = np.full(len(whole), -1)
    for number, indices in enumerate((parts.fit, parts.val, parts.held_out)):
        part_of[indices] = number

    def pair(first: int, second: int, correlation: float) -> AlikePair:
        both = (first, second)
        labels = [whole.class_names[whole.labels[i]] for i in both]
        of = [part_names[part_of[i]] for i in both]
        files = whole.files[first], whole.files[second]
        return AlikePair(*files, (labels[0], labels[1]), (of[0], of[1]), correlation)

    conflicts = _pairs_across(duplicates, whole.labels)
    across = _pairs_across(duplicates, part_of)
    sizes = np.bincount(duplicates.components)
    return Alike(
        twins=_by_class(whole, duplicates.twins, parts),
        near_duplicates=_by_class(whole, duplicates.components, parts),
        threshold=duplicates.threshold,
        num_reference=num_reference,
        power=dict(power),
        components=int((sizes > 1).sum()),
        largest=int(sizes.max()),
        conflicts=tuple(pair(*each) for each in conflicts[:_LISTED]),
        num_conflicts=len(conflicts),
        across=tuple(pair(*each) for each in _spread(across)),
    )


def _by_class(whole: ImageSet, links: np.ndarray, parts: Parted) -> dict[str, ClassLinks]:
    """Class -> counts, where images of the same number in `links` i64[N] are linked."""
    in_fit = np.isin(links, links[parts.fit])
    known = in_fit | np.isin(links, links[parts.val])

    def of_class(label: int) -> ClassLinks:
        own = np.flatnonzero(whole.labels == label)
        val = parts.val[whole.labels[parts.val] == label]
        held_out = parts.held_out[whole.labels[parts.held_out] == label]
        return ClassLinks(
            redundant=len(own) - len(np.unique(links[own])),
            val_in_fit=int(in_fit[val].sum()),
            held_out_in_fit=int(in_fit[held_out].sum()),
            held_out_in_fit_or_val=int(known[held_out].sum()),
        )

    return {name: of_class(label) for label, name in enumerate(whole.class_names)}


def _pairs_across(duplicates: Duplicates, sides: np.ndarray) -> list[tuple[int, int, float]]:
    """Pairs of images that are alike and differ in i64[N] `sides`; the most alike first.

    Of twins on one side only the first is taken: a pair of sets of twins is one pair.
    """
    twins = duplicates.twins
    # Most images of a large set are like no other: they need no entry.
    linked = np.flatnonzero((np.bincount(twins)[twins] > 1) | np.isin(twins, duplicates.pairs))
    of_twin: dict[int, dict[int, int]] = {}  # first twin -> side -> first image there
    for index in linked.tolist():
        of_twin.setdefault(int(twins[index]), {}).setdefault(int(sides[index]), index)
    found = []
    for images in of_twin.values():
        first, *others = images.values()
        found += [(first, other, 1.0) for other in others]
    near = zip(duplicates.pairs.tolist(), duplicates.alike.tolist(), strict=True)
    for (one, other), correlation in near:
        differing = [
            (i, j, correlation)
            for side, i in of_twin[one].items()
            for other_side, j in of_twin[other].items()
            if side != other_side
        ]
        found += differing[:1]
    return sorted(found, key=lambda each: (-each[2], each[:2]))


def _spread(pairs: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """At most `SHOWN` of them, evenly spaced, the first and the last among them."""
    if len(pairs) <= SHOWN:
        return pairs
    return [pairs[i] for i in np.linspace(0, len(pairs) - 1, SHOWN).round().astype(int)]
