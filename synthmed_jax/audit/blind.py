"""Scores of real images that know nothing of a generator.

If one of them tells `fit` images from held-out ones, the split itself does, and no attack that does
so too says anything about the generator (Das, Zhang & Tramer, 2024).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from synthmed_jax.audit.two_sample import forest_scores
from synthmed_jax.data.png import encode_png
from synthmed_jax.evaluation import floors


class Asked(NamedTuple):
    """What a forest says of the images that it has not learned from.

    Attributes:
      members, others: how sure it is that an image is a member, f64[N] and f64[M].
      member_groups, others_groups: i64[N] and i64[M], of these images.
    """

    members: np.ndarray
    others: np.ndarray
    member_groups: np.ndarray
    others_groups: np.ndarray


def ask_forest(
    members: np.ndarray,
    others: np.ndarray,
    member_groups: np.ndarray,
    others_groups: np.ndarray,
    seed: int,
) -> Asked:
    """Lets a forest learn half of both sets, and asks it about the other half.

    Copies of an image stay in one half: they would tell it otherwise. It is not cross-fitted, which
    would make scores of one fold depend on the images of another: then intervals that ask for 95 %
    hold 0.5 in 83 % of splits that tell nothing.

    Args:
      members, others: u8[N,S,S,C] and u8[M,S,S,C].
      member_groups, others_groups: i64[N] and i64[M], no number in both; 4 or more in each.
      seed: of halves and trees.
    """
    x = floors.pixels(np.concatenate([members, others])).astype(np.float32)
    y = np.repeat([1, 0], [len(members), len(others)])
    groups = np.concatenate([member_groups, others_groups])
    learned, asked = _halves(y, groups, seed)
    scores = forest_scores(x[learned], y[learned], x[asked], seed)
    is_member = y[asked] == 1
    return Asked(
        scores[is_member], scores[~is_member], groups[asked][is_member], groups[asked][~is_member]
    )


def _halves(y: np.ndarray, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices i64[...] of two halves with whole groups in each; y: i[N], the set of each image."""
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
    learned, asked = next(iter(halves.split(np.zeros(len(y)), y, groups)))
    left = [len(np.unique(groups[asked][y[asked] == label])) for label in (0, 1)]
    if min(left) >= 2:
        return learned, asked
    # A group that holds half of a set is a half by itself, of which there is no interval.
    rng, is_asked = np.random.default_rng(seed), np.zeros(len(y), bool)
    for label in (0, 1):
        of_set = rng.permutation(np.unique(groups[y == label]))
        is_asked |= np.isin(groups, of_set[: len(of_set) // 2])
    return np.flatnonzero(~is_asked), np.flatnonzero(is_asked)


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
