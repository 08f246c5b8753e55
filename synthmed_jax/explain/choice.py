"""Which images are explained: the telling ones for the eye, random ones for the numbers."""

from __future__ import annotations

import numpy as np

ROLES = ("surest right", "surest wrong", "least certain")


def telling(probabilities: np.ndarray, labels: np.ndarray) -> dict[int, list[str]]:
    """Picks images worth a look: index -> its roles, of each class those of ROLES that exist.

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
        own = labels == label
        right, wrong = rows[own & (predicted == label)], rows[own & (predicted != label)]
        for role, candidates, sign in [
            ("surest right", right, 1),
            ("surest wrong", wrong, 1),
            ("least certain", rows[own], -1),
        ]:
            if len(candidates):
                best = int(candidates[(sign * margin[candidates]).argmax()])
                chosen.setdefault(best, []).append(role)
    return chosen


def sample(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draws `count` images of each class (or all, if fewer), without a look at them: i64[M]."""
    rng = np.random.default_rng(seed)
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[:count] for label in np.unique(labels)
    ]
    return np.concatenate(drawn)
