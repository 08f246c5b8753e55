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
    num_files = len({facts.sources[i] for i in indices})
    return num_files - len(np.unique(facts.rows["sha256"][indices]))


def count_copies(
    facts: Facts, labels: np.ndarray, class_names: Sequence[str], parts: Parted
) -> Leakage:
    """Counts, class by class.

    Args:
      facts: of every image.
      labels: i32[N], indices into class_names.
      parts: of a split.
    """
    contents = np.unique(facts.rows["sha256"], return_inverse=True)[1]
    in_fit, in_val, held_out = contents[parts.fit], contents[parts.val], contents[parts.held_out]
    val_in_fit = parts.val[np.isin(in_val, in_fit)]
    held_out_in_known = parts.held_out[np.isin(held_out, np.concatenate([in_fit, in_val]))]

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
        under_two_labels=_count_under_two_labels(contents, labels),
    )


def _count_under_two_labels(contents: np.ndarray, labels: np.ndarray) -> int:
    pairs = np.unique(np.stack([contents, labels]), axis=1)
    return int((np.bincount(pairs[0], minlength=1) > 1).sum())
