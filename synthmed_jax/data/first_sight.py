"""Which pairs of images are worth a comparison: those that are alike at low resolution.

Arrays: details f32[N,S,S] as of alignment.py; thumbnails f32[N,D], unit vectors; pairs i64[P,2].
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from synthmed_jax.data.alignment import Details, largest_shift, normalised, pooled
from synthmed_jax.progress import progress_over

CANDIDATES = 8
"""So many images, the most alike at first sight, are compared with each image."""
LEAST = 0.5
"""A pair that correlates less at first sight is not compared."""
_FINE = 48  # above this side a shift by a pixel hardly changes what is seen at first sight
_BLOCK = 1024  # references at a time: 30 MB of thumbnails with all their shifts
_QUERIES = 16384  # images that are compared with one block of references after another


def find_candidates(queries: Details, references: Details, *, same: bool = False) -> np.ndarray:
    """Returns the pairs i64[P,2] of each query and the `CANDIDATES` references most alike to it.

    They are found at low resolution, over a few shifts. Memory grows by the pairs alone, time by
    the product of the two sizes.

    Args:
      queries, references: of N and of M images.
      same: both are the same images: none is paired with itself, and each pair is listed once.
    """
    pairs = np.concatenate(
        [
            _find_of_some(queries, range(start, stop), references, same)
            for start, stop in _blocks(len(queries), _QUERIES)
        ]
    )
    return np.unique(np.sort(pairs, axis=1), axis=0) if same else pairs


def shifted_thumbnails(details: np.ndarray) -> list[np.ndarray]:
    """Returns thumbnails of the details f32[N,S,S], one array for each of the shifts tried."""
    side, shift = details.shape[1], largest_shift(details.shape[1])
    steps = list(itertools.product(range(-shift, shift + 1), repeat=2))
    if side > _FINE:  # with these, none is more than a pixel away from one of them
        steps = [(0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    return [thumbnails(details, *step) for step in steps]


def thumbnails(details: np.ndarray, down: int = 0, right: int = 0) -> np.ndarray:
    """Returns thumbnails of the details f32[N,S,S]: of their middles, moved by so many pixels."""
    side = details.shape[1]
    rim = 2 * largest_shift(side)
    middle = details[:, rim + down : side - rim + down, rim + right : side - rim + right]
    factor = max(1, side // 16)
    kept = middle.shape[1] // factor * factor
    return normalised(pooled(middle[:, :kept, :kept], factor)).reshape(len(details), -1)


def _find_of_some(queries: Details, some: range, references: Details, same: bool) -> np.ndarray:
    """Pairs of queries some[0], some[1], ... and of any reference."""
    vectors = np.concatenate(
        [thumbnails(queries[some.start + a : some.start + b]) for a, b in _blocks(len(some))]
    )
    best = np.full((len(some), CANDIDATES), LEAST, np.float32)
    where = np.full((len(some), CANDIDATES), -1, np.int64)
    told = f"looking for what is alike to images {some.start + 1} to {some.stop} of {len(queries)}"
    blocks = list(_blocks(len(references)))
    for first, last in progress_over(blocks, description=told, unit="block", patience=2.0):
        shifted = shifted_thumbnails(references[first:last])
        for start, stop in _blocks(len(some)):
            block = vectors[start:stop]
            alike = block @ shifted[0].T
            for other in shifted[1:]:
                np.maximum(alike, block @ other.T, out=alike)
            if same:
                own = np.arange(start, stop) + some.start - first
                rows = np.flatnonzero((own >= 0) & (own < last - first))
                alike[rows, own[rows]] = -1
            _merge(best[start:stop], where[start:stop], alike, first)
    row, column = np.nonzero(where >= 0)
    return np.stack([row + some.start, where[row, column]], axis=1)


def _merge(best: np.ndarray, where: np.ndarray, alike: np.ndarray, first: int) -> None:
    """Puts the most alike of f32[n,m], references first, first + 1, ..., in among the best."""
    wanted = min(CANDIDATES, alike.shape[1])
    columns = np.argpartition(alike, -wanted, axis=1)[:, -wanted:]
    both = np.concatenate([best, np.take_along_axis(alike, columns, axis=1)], axis=1)
    places = np.concatenate([where, columns + first], axis=1)
    order = np.argsort(-both, axis=1, kind="stable")[:, :CANDIDATES]
    best[:] = np.take_along_axis(both, order, axis=1)
    where[:] = np.take_along_axis(places, order, axis=1)


def _blocks(count: int, size: int = _BLOCK) -> Iterator[tuple[int, int]]:
    for start in range(0, count, size):
        yield start, min(start + size, count)
