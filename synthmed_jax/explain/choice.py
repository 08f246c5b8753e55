"""Which images are explained: telling ones for the pictures, random ones for the numbers."""

from __future__ import annotations

import numpy as np

ROLES = ("surest right", "surest wrong", "least certain")


def telling(probabilities: np.ndarray, labels: np.ndarray) -> dict[int, list[str]]:
    """Picks, per class, the image of each of ROLES: image's index -> its roles.

    A class without wrong predictions has no "surest wrong" image, and so on. Sure is what leads
    the second most probable class by much.

    Args:
      probabilities: f32[N,K].
      labels: i32[N], the truth.
    """
    rows = np.arange(len(labels))
    predicted = probabilities.argmax(axis=-1)
    ordered = np.sort(probabilities, axis=-1)
    margin = ordered[:, -1] - ordered[:, -2]
    chosen: dict[int, list[str]] = {}
    for label in np.unique(labels):
        of_class = labels == label
        right, wrong = rows[of_class & (predicted == label)], rows[of_class & (predicted != label)]
        for role, candidates, sign in [
            ("surest right", right, 1),
            ("surest wrong", wrong, 1),
            ("least certain", rows[of_class], -1),
        ]:
            if len(candidates):
                best = int(candidates[(sign * margin[candidates]).argmax()])
                chosen.setdefault(best, []).append(role)
    return chosen


def sample(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draws `count` images per class (or all, if fewer) at random: their indices, i64[M].

    Args:
      labels: i32[N].
      seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[:count] for label in np.unique(labels)
    ]
    return np.concatenate(drawn)
