"""Scores of real images that know nothing of a generator.

If one of them tells `fit` images from held-out ones, the split itself does, and no attack that does
so too says anything about the generator (Das, Zhang & Tramer, 2024).
"""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from synthmed_jax.audit.two_sample import FOLDS, forest_scores
from synthmed_jax.data.png import encode_png
from synthmed_jax.evaluation import floors


def forest(
    members: np.ndarray,
    others: np.ndarray,
    member_groups: np.ndarray,
    others_groups: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """How sure a cross-fitted forest is that an image is a member, f64[N] of each set.

    Copies of an image stay on one side of each fold: they would tell it otherwise. Scores are less
    the mean of their fold, since each fold is asked of another forest.

    Args:
      members, others: u8[N,S,S,C] and u8[M,S,S,C].
      member_groups, others_groups: i64[N] and i64[M], no number in both; FOLDS or more in each.
      seed: of folds and trees.
    """
    x = floors.pixels(np.concatenate([members, others])).astype(np.float32)
    y = np.repeat([1, 0], [len(members), len(others)])
    groups, scores = np.concatenate([member_groups, others_groups]), np.zeros(len(x))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(x, y, groups)
    for train, left_out in folds:
        found = forest_scores(x[train], y[train], x[left_out], seed)
        scores[left_out] = found - found.mean()
    return scores[: len(members)], scores[len(members) :]


def total_variation(images: np.ndarray) -> np.ndarray:
    """Mean step between neighbouring pixels of u8[N,S,S,C], grey levels: f64[N]."""
    found = np.zeros(len(images))
    for number, image in enumerate(images):
        levels = image.astype(np.float64)
        found[number] = sum(np.abs(np.diff(levels, axis=axis)).mean() for axis in (0, 1)) / 2
    return found


def png_size(images: np.ndarray) -> np.ndarray:
    """Bytes of each of u8[N,S,S,C] as a PNG file, f64[N]: how much there is to be said of it."""
    return np.array([len(encode_png(image)) for image in images], np.float64)
