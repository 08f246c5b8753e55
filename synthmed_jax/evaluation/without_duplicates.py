"""The same test on the images that have no near-duplicate in `fit` or `val`."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation.scores import score
from synthmed_jax.files import read_array
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.without_duplicates import CellWithout, ShareRight, WithoutDuplicates


def score_new(
    directory: pathlib.Path, cells: Sequence[Cell], test: ImageSet, new: np.ndarray
) -> WithoutDuplicates:
    """Scores the probabilities that `on_real_images.evaluate_cells` has kept.

    Args:
      directory: the folder in which it did so.
      cells: which it was given.
      test: the N test images.
      new: bool[N], those without a near-duplicate in `fit` or `val`.

    Raises:
      Damaged: a file of probabilities is not what was written.
    """

    def of_cell(cell: Cell) -> CellWithout:
        stored = directory / "cells" / ("_".join(cell.texts.values()) + ".npy")
        probabilities, _ = read_array(stored)  # f32[folds,N,K]
        on_new = _share_right(probabilities[:, new], test.labels[new]) if new.any() else None
        return CellWithout(
            **dataclasses.asdict(cell),
            on_all=_share_right(probabilities, test.labels),
            on_new=on_new,
        )

    return WithoutDuplicates(len(test), int(new.sum()), tuple(map(of_cell, cells)))


def _share_right(probabilities: np.ndarray, labels: np.ndarray) -> ShareRight:
    scores = [score(fold, labels) for fold in probabilities]
    return ShareRight(
        float(np.mean([each.accuracy for each in scores])),
        float(np.mean([each.balanced_accuracy for each in scores])),
    )
