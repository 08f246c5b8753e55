"""How alike two images are where one may be shifted, and which pairs are worth a comparison.

Compared are the details of images: what is left after a slight blur, which takes away the noise of
JPEG, and without the slow changes of brightness, which all heads or all chests share. Without that
last step MRI slices of different patients are as alike as an image and its own blurred copy.

Arrays: details f32[N,S,S]; pairs i64[P,2], rows of the first and of the second array.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

SIDE = 64
"""Larger images are made smaller than this before they are compared, pixels."""
SMALLEST = 16
"""Smaller images have too few details to be told apart by them, pixels."""
CANDIDATES = 8
"""So many images, the most alike at first sight, are compared with each image."""
FIRST_SIGHT = 0.5
"""A pair that correlates less at first sight is not compared."""
_FINE = 48  # above this side a shift by a pixel hardly changes what is seen at first sight
_BLUR = 0.7  # deviation of the slight blur, pixels
_BLOCK = 1024  # images or pairs at a time: arrays of 80 MB with 20,000 images
_TINY = 1e-3  # length of the details of an image that has none, grey levels


def details_of(images: np.ndarray) -> np.ndarray:
    """Returns the details, f32[N,s,s], of u8[N,S,S,C]; s is S, or the largest S/k up to `SIDE`."""
    factor = -(-images.shape[1] // SIDE)
    blocks = []
    for start in range(0, len(images), _BLOCK):
        grey = np.asarray(images[start : start + _BLOCK]).astype(np.float32).mean(axis=-1)
        if factor > 1:
            missing = -grey.shape[1] % factor
            grey = _pooled(np.pad(grey, ((0, 0), (0, missing), (0, missing)), "edge"), factor)
        slow = max(grey.shape[1] / 16, 2.0)
        fine = ndimage.gaussian_filter(grey, (0, _BLUR, _BLUR))
        blocks.append(fine - ndimage.gaussian_filter(grey, (0, slow, slow)))
    return np.concatenate(blocks)


def largest_shift(side: int) -> int:
    """Returns how far images of this side are shifted against each other, pixels each way."""
    return 2 if side >= 32 else 1


def correlate(first: np.ndarray, second: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Returns f32[P], the largest correlation of the first's middle with any part of the second.

    The middle is the image without a rim of `largest_shift`; 0 where an image has no details.
    """
    shift, side = largest_shift(first.shape[1]), first.shape[1]
    inner = side - 2 * shift
    best = np.zeros(len(pairs), np.float32)
    for start in range(0, len(pairs), _BLOCK):
        here = slice(start, start + _BLOCK)
        middle = _normalised(first[pairs[here, 0], shift:-shift, shift:-shift])
        whole = second[pairs[here, 1]]
        for down, right in itertools.product(range(2 * shift + 1), repeat=2):
            part = whole[:, down : down + inner, right : right + inner]
            # The middle has mean 0, so the part's own mean drops out of the product.
            products = np.einsum("phw,phw->p", middle, part)
            norms = np.sqrt(np.einsum("phw,phw->p", part, part) - inner**2 * part.mean((1, 2)) ** 2)
            alike = np.where(norms > _TINY, products / np.maximum(norms, _TINY), 0)
            best[here] = np.maximum(best[here], alike)
    return best


def find_candidates(
    queries: np.ndarray, references: np.ndarray, *, same: bool = False
) -> np.ndarray:
    """Returns the pairs i64[P,2] of each query and the `CANDIDATES` references most alike to it.

    They are found at a fourth of the resolution, over a few shifts.

    Args:
      queries, references: details of N and of M images.
      same: both are the same images: none is paired with itself, and each pair is listed once.
    """
    shift = largest_shift(references.shape[1])
    steps = list(itertools.product(range(-shift, shift + 1), repeat=2))
    if references.shape[1] > _FINE:  # with these, none is more than a pixel away from one of them
        steps = [(0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    shifted = [_thumbnails(references, shift, *step) for step in steps]
    wanted = min(CANDIDATES, len(references))
    found = []
    for start, block in _blocks(_thumbnails(queries, shift, 0, 0)):
        alike = block @ shifted[0].T
        for other in shifted[1:]:
            np.maximum(alike, block @ other.T, out=alike)
        if same:
            alike[np.arange(len(block)), np.arange(start, start + len(block))] = -1
        nearest = np.argpartition(alike, -wanted, axis=1)[:, -wanted:]
        rows = np.arange(len(block))[:, None]
        row, column = np.nonzero(alike[rows, nearest] > FIRST_SIGHT)
        found.append(np.stack([row + start, nearest[row, column]], axis=1))
    pairs = np.concatenate(found).astype(np.int64)
    return np.unique(np.sort(pairs, axis=1), axis=0) if same else pairs


def _normalised(images: np.ndarray) -> np.ndarray:
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    return np.where(length > _TINY, centred / np.maximum(length, _TINY), 0)


def _thumbnails(details: np.ndarray, shift: int, down: int, right: int) -> np.ndarray:
    """Returns unit vectors f32[N,D]: the middles, moved by so many pixels, at low resolution."""
    rim, side = 2 * shift, details.shape[1]
    middle = details[:, rim + down : side - rim + down, rim + right : side - rim + right]
    factor = max(1, side // 16)
    kept = middle.shape[1] // factor * factor
    return _normalised(_pooled(middle[:, :kept, :kept], factor)).reshape(len(details), -1)


def _pooled(images: np.ndarray, factor: int) -> np.ndarray:
    count, side = len(images), images.shape[1] // factor
    return images.reshape(count, side, factor, side, factor).mean(axis=(2, 4))


def _blocks(vectors: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(vectors), _BLOCK):
        yield start, vectors[start : start + _BLOCK]
