"""Counts identical files within the classes and across the parts of a split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from synthmed_jax.data.facts import Facts
from synthmed_jax.results.leakage import ClassCopies, Leakage


@dataclasses.dataclass(frozen=True)
class Parted:
    """Sorted indices i64[...] of the images in `fit`, in `val`, and of those that are held out."""

    fit: np.ndarray
    val: np.ndarray
    held_out: np.ndarray


def count_among(facts: Facts, indices: np.ndarray) -> int:
    """Returns how many files of the images `indices` (i64[M]) copy another file of them."""
    # Of a stack, many images are from one file.
    files = {facts.sources[i]: facts.sha256[i] for i in indices}
    return len(files) - len(set(files.values()))


def count_copies(
    facts: Facts, labels: np.ndarray, class_names: Sequence[str], parts: Parted
) -> Leakage:
    """Counts, class by class.

    Args:
      facts: of every image.
      labels: i32[N], indices into class_names.
      parts: of a split.
    """
    digests = facts.sha256  # as texts: an array of them would take more memory than the images
    in_fit = {digests[i] for i in parts.fit}
    val_in_fit = [i for i in parts.val if digests[i] in in_fit]
    known = in_fit | {digests[i] for i in parts.val}
    held_out_in_known = [i for i in parts.held_out if digests[i] in known]

    def of_class(label: int) -> ClassCopies:
        return ClassCopies(
            copies=count_among(facts, np.flatnonzero(labels == label)),
            val_in_fit=int((labels[val_in_fit] == label).sum()),
            held_out_in_fit_or_val=int((labels[held_out_in_known] == label).sum()),
        )

    return Leakage(
        classes={name: of_class(label) for label, name in enumerate(class_names)},
        num_val=len(parts.val),
        num_held_out=len(parts.held_out),
        under_two_labels=_count_under_two_labels(digests, labels),
    )


def _count_under_two_labels(digests: Sequence[str], labels: np.ndarray) -> int:
    first: dict[str, int] = {}
    pairs = zip(digests, labels.tolist(), strict=True)
    return len({digest for digest, label in pairs if first.setdefault(digest, label) != label})
