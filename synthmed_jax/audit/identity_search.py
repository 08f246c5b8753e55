"""For each image the nearest one of a set by features of the network that knows images apart."""

from __future__ import annotations

import numpy as np

from synthmed_jax import parallel
from synthmed_jax.audit import identity_net
from synthmed_jax.audit.aligned_search import Nearest
from synthmed_jax.evaluation.memorisation import SYMMETRIES

_BLOCK = 1024  # images at a time: 20 MB with 5,000 references


def find_nearest(
    params: parallel.Tree,
    queries: np.ndarray,
    references: np.ndarray,
    flips: str,
    groups: tuple[np.ndarray, np.ndarray] | None = None,
) -> Nearest:
    """Finds the reference whose features point most the same way, under all symmetries.

    Args:
      params: weights of the network, as `identity_net.train` returns them.
      queries, references, flips, groups: as of `aligned_search.find_nearest`.
    """
    turned = [
        identity_net.embed(params, np.rot90(each, turns, axes=(1, 2)))
        for turns, mirrored in SYMMETRIES[flips]
        for each in [references[:, :, ::-1] if mirrored else references]
    ]
    index, alike = np.zeros(len(queries), np.int64), np.full(len(queries), -1.0)
    vectors = identity_net.embed(params, queries)
    for start in range(0, len(queries), _BLOCK):
        here = slice(start, start + _BLOCK)
        cosines = vectors[here] @ turned[0].T
        for other in turned[1:]:
            np.maximum(cosines, vectors[here] @ other.T, out=cosines)
        if groups is not None:
            cosines[groups[0][here, None] == groups[1][None, :]] = -1
        index[here] = cosines.argmax(axis=1)
        alike[here] = np.minimum(cosines.max(axis=1), 1.0)
    return Nearest(index, alike)
