"""How close images come to those that a generator learnt from: one that copies proves nothing."""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from synthmed_jax.data.image_set import ImageSet

# (quarter turns, mirrored left to right first): what the generator's augmentation may have shown
# it, so a flipped copy counts as a copy.
SYMMETRIES: dict[str, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "horizontal": ((0, False), (0, True)),
    "dihedral": tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4)),
}
# A tile of the matrix products: wide and shallow runs several times faster than narrow and deep.
_IMAGES, _PIXELS = 1024, 4096


def nearest(
    queries: np.ndarray, references: np.ndarray, flips: str
) -> tuple[np.ndarray, np.ndarray]:
    """Finds each query's nearest reference, the references taken under their allowed symmetries.

    Args:
      queries: u8[N,S,S,C].
      references: u8[M,S,S,C], M > 0.
      flips: a key of SYMMETRIES, as in `Augmentation`.

    Returns (index i64[N], distance f64[N]): the first of equally near references, and the root mean
    square difference of grey levels / 255, in [0, 1], exact to rounding (a copy has exactly 0).

    Raises ValueError for no references, other types, images of different shapes or unknown flips.
    """
    if flips not in SYMMETRIES:
        raise ValueError(f"flips={flips!r} is not one of {', '.join(SYMMETRIES)}")
    if not len(references) or queries.shape[1:] != references.shape[1:]:
        raise ValueError(f"can't compare images {queries.shape} with {references.shape}")
    if queries.dtype != np.uint8 or references.dtype != np.uint8:
        raise ValueError(f"images must be uint8, got {queries.dtype} and {references.dtype}")
    index = np.zeros(len(queries), np.int64)
    square = np.full(len(queries), np.inf)
    for ref_start, reference in _blocks(references):
        turned = [_flat(_turn(reference, *symmetry)) for symmetry in SYMMETRIES[flips]]
        reference_norm = _inner(turned[0], None)  # a symmetry only moves pixels
        for start, query in _blocks(queries):
            flat = _flat(query)
            # Whole numbers below 2^53: |q|^2 - 2 q.r + |r|^2 loses no digit in float64.
            product = np.max([_inner(flat, other) for other in turned], axis=0)
            squares = _inner(flat, None)[:, None] - 2 * product + reference_norm[None, :]
            best, part = squares.argmin(axis=1), slice(start, start + len(query))
            found = squares[np.arange(len(query)), best]
            index[part] = np.where(found < square[part], ref_start + best, index[part])
            square[part] = np.minimum(found, square[part])
    return index, np.sqrt(square / np.prod(queries.shape[1:])) / 255


def nearness_to(fit: ImageSet, val: ImageSet, flips: str) -> Callable[[np.ndarray], float | None]:
    """Builds images u8[N,S,S,C] -> median distance to the nearest `fit` image over that of `val`.

    The function returns None where the `val` images are all copies (a median of 0).
    """
    median_val = float(np.median(nearest(val.images, fit.images, flips)[1]))

    def nearness(images: np.ndarray) -> float | None:
        median = float(np.median(nearest(images, fit.images, flips)[1]))
        return median / median_val if median_val else None

    return nearness


def distance_summary(
    synthetic: ImageSet, val: ImageSet, fit: ImageSet, flips: str
) -> dict[str, Any]:
    """Compares the synthetic images' distances to `fit` with those of real `val` images.

    Args:
      synthetic: at least one image.
      val: real images the generator never saw; may be empty, then median_val and ratio are None.
      fit: the images it learnt from.
      flips: as in `nearest`.

    Returns the content of evaluate/fidelity.json. A ratio well under 1 means that synthetic images
    lie closer to the training images than new real ones do.
    """
    index, distance = nearest(synthetic.images, fit.images, flips)
    median_synthetic = statistics.median(distance.tolist())
    median_val = None
    if len(val):
        median_val = statistics.median(nearest(val.images, fit.images, flips)[1].tolist())
    return {
        "distance": "root mean square difference of grey levels / 255, to the nearest fit image",
        "flips": flips,
        "num_fit": len(fit),
        "num_val": len(val),
        "num_synthetic": len(synthetic),
        "median_synthetic": median_synthetic,
        "median_val": median_val,
        "ratio": median_synthetic / median_val if median_val else None,
        "synthetic": [
            {"path": path, "nearest": fit.files[near], "distance": float(far)}
            for path, near, far in zip(synthetic.files, index, distance, strict=True)
        ],
    }


def _blocks(images: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive parts of a possibly memory-mapped array, with where each starts."""
    for start in range(0, len(images), _IMAGES):
        yield start, images[start : start + _IMAGES]


def _turn(images: np.ndarray, turns: int, mirrored: bool) -> np.ndarray:
    return np.rot90(images[:, :, ::-1] if mirrored else images, turns, axes=(1, 2))


def _flat(images: np.ndarray) -> np.ndarray:
    """u8[N,S*S*C]."""
    return images.reshape(len(images), -1)


def _inner(a: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """Inner products of u8[N,D] rows with those of u8[M,D], f64[N,M]; b None: with own, f64[N]."""
    total = np.zeros(len(a) if b is None else (len(a), len(b)))
    for start in range(0, a.shape[1], _PIXELS):
        own = a[:, start : start + _PIXELS].astype(np.float64)
        if b is None:
            total += np.einsum("nd,nd->n", own, own)
        else:
            total += own @ b[:, start : start + _PIXELS].astype(np.float64).T
    return total
