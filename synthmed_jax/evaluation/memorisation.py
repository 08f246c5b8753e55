"""How near images come to those that a generator was trained on: copies would prove nothing."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.fidelity import BitsPerDimension, Fidelity, NearestImage

# Value of config.*.flips -> symmetries as (quarter turns, whether mirrored left to right before).
# The generator may have been shown its images under them, so a flipped copy counts as a copy.
SYMMETRIES: dict[str, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "horizontal": ((0, False), (0, True)),
    "dihedral": tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4)),
}
# Size of one matrix product. Many images at few pixels run several times faster than the reverse.
_IMAGES, _PIXELS = 1024, 4096


def nearest(
    queries: np.ndarray, references: np.ndarray, flips: str
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the nearest reference of each query, under all symmetries of the references.

    Args:
      queries: u8[N,S,S,C].
      references: u8[M,S,S,C], M > 0.
      flips: a key of SYMMETRIES, as in `Augmentation`.

    Returns:
      (index i64[N], distance f64[N]): the first of equally near references, and the root mean
      square difference of grey levels / 255, in [0, 1], exact to rounding (0.0 for a copy).

    Raises:
      ValueError: no references, another dtype, images of different shapes, or unknown flips.
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
            # |q|^2 - 2 q.r + |r|^2 is exact in float64: all terms are whole numbers below 2^53.
            product = np.max([_inner(flat, other) for other in turned], axis=0)
            squares = _inner(flat, None)[:, None] - 2 * product + reference_norm[None, :]
            best, part = squares.argmin(axis=1), slice(start, start + len(query))
            lowest = squares[np.arange(len(query)), best]
            index[part] = np.where(lowest < square[part], ref_start + best, index[part])
            square[part] = np.minimum(lowest, square[part])
    return index, np.sqrt(square / np.prod(queries.shape[1:])) / 255


def nearness_to(fit: ImageSet, val: ImageSet, flips: str) -> Callable[[np.ndarray], float | None]:
    """Returns a function that measures how near images come to `fit`.

    Args:
      fit: the images that the generator is trained on.
      val: real images that it is not trained on; at least one.
      flips: as in `nearest`.

    Returns:
      A function of images u8[N,S,S,C]: their median distance to the nearest `fit` image over that
      of the `val` images; None where more than half of `val` are copies (a median of 0).
    """
    median_val = float(np.median(nearest(val.images, fit.images, flips)[1]))

    def nearness(images: np.ndarray) -> float | None:
        median = float(np.median(nearest(images, fit.images, flips)[1]))
        return median / median_val if median_val else None

    return nearness


def measure_fidelity(
    synthetic: ImageSet,
    val: ImageSet,
    fit: ImageSet,
    flips: str,
    bits_per_dimension: Mapping[str, BitsPerDimension],
) -> Fidelity:
    """Compares the distances of synthetic images to `fit` with those of real `val` images.

    A ratio well below 1 means that synthetic images lie closer to the training images than unseen
    real ones do.

    Args:
      synthetic: at least one image.
      val: real images that the generator was not trained on; may be empty, then median_val and
        ratio are None.
      fit: the images that it was trained on.
      flips: as in `nearest`.
      bits_per_dimension: class, or "all" for one model of all classes -> the variational bound of
        its `val` images.
    """
    index, distance = nearest(synthetic.images, fit.images, flips)
    median_synthetic = statistics.median(distance.tolist())
    median_val = None
    if len(val):
        median_val = statistics.median(nearest(val.images, fit.images, flips)[1].tolist())
    return Fidelity(
        distance="root mean square difference of grey levels / 255, to the nearest fit image",
        flips=flips,
        num_fit=len(fit),
        num_val=len(val),
        num_synthetic=len(synthetic),
        median_synthetic=median_synthetic,
        median_val=median_val,
        ratio=median_synthetic / median_val if median_val else None,
        synthetic=tuple(
            NearestImage(path, fit.files[i], float(d))
            for path, i, d in zip(synthetic.files, index, distance, strict=True)
        ),
        bits_per_dimension=dict(bits_per_dimension),
    )


def _blocks(images: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields (start, images) of consecutive parts of an array, which may be memory-mapped."""
    for start in range(0, len(images), _IMAGES):
        yield start, images[start : start + _IMAGES]


def _turn(images: np.ndarray, turns: int, mirrored: bool) -> np.ndarray:
    return np.rot90(images[:, :, ::-1] if mirrored else images, turns, axes=(1, 2))


def _flat(images: np.ndarray) -> np.ndarray:
    """u8[N,S*S*C]."""
    return images.reshape(len(images), -1)


def _inner(a: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """Inner products f64[N,M] of the rows of u8[N,D] with those of u8[M,D].

    b None: of each row of `a` with itself, f64[N].
    """
    total = np.zeros(len(a) if b is None else (len(a), len(b)))
    for start in range(0, a.shape[1], _PIXELS):
        part = a[:, start : start + _PIXELS].astype(np.float64)
        if b is None:
            total += np.einsum("nd,nd->n", part, part)
        else:
            total += part @ b[:, start : start + _PIXELS].astype(np.float64).T
    return total
