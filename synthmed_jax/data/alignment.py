"""How alike two images are where one may be shifted.

Compared are the details of images: what is left after a slight blur, which takes away the noise of
JPEG, and without the slow changes of brightness, which all heads or all chests share. Without that
last step MRI slices of different patients are as alike as an image and its own blurred copy.

Arrays: details f32[N,S,S]; pairs i64[P,2], rows of the first and of the second array.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from scipy import ndimage

SIDE = 64
"""Larger images are made smaller than this before they are compared, pixels."""
SMALLEST = 16
"""Smaller images have too few details to be told apart by them, pixels."""
_BLUR = 0.7  # deviation of the slight blur, pixels
_BLOCK = 1024  # images or pairs at a time
_TINY = 1e-3  # length of the details of an image that has none, grey levels


@dataclasses.dataclass(frozen=True, eq=False)
class Details:
    """The details of M images, computed anew for those that are asked for.

    All the details of a large set would take more memory than its images.

    Attributes:
      images: u8[N,S,S,C], decoded; they may lie in a file.
      rows: i64[M], those that are meant.
    """

    images: np.ndarray
    rows: np.ndarray

    @property
    def side(self) -> int:
        """Of the details, pixels."""
        return -(-self.images.shape[1] // _factor(self.images))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Returns f32[n,s,s] of these of the M images, in their order."""
        return details_of(self.images[self.rows[rows]])


def details_of_all(images: np.ndarray) -> Details:
    """Returns the details of u8[N,S,S,C], computed where they are asked for."""
    return Details(images, np.arange(len(images)))


def details_of(images: np.ndarray) -> np.ndarray:
    """Returns the details, f32[N,s,s], of u8[N,S,S,C]; s is S, or the largest S/k up to `SIDE`."""
    factor = _factor(images)
    blocks = []
    for start in range(0, len(images), _BLOCK):
        grey = np.asarray(images[start : start + _BLOCK]).astype(np.float32).mean(axis=-1)
        if factor > 1:
            missing = -grey.shape[1] % factor
            grey = pooled(np.pad(grey, ((0, 0), (0, missing), (0, missing)), "edge"), factor)
        slow = max(grey.shape[1] / 16, 2.0)
        fine = ndimage.gaussian_filter(grey, (0, _BLUR, _BLUR))
        blocks.append(fine - ndimage.gaussian_filter(grey, (0, slow, slow)))
    return np.concatenate(blocks)


def largest_shift(side: int) -> int:
    """Returns how far images of this side are shifted against each other, pixels each way."""
    return 2 if side >= 32 else 1


def correlate(first: Details, second: Details, pairs: np.ndarray) -> np.ndarray:
    """Returns f32[P], the largest correlation of the first's middle with any part of the second.

    The middle is the image without a rim of `largest_shift`; 0 where an image has no details.
    """
    shift = largest_shift(first.side)
    inner = first.side - 2 * shift
    best = np.zeros(len(pairs), np.float32)
    for start in range(0, len(pairs), _BLOCK):
        here = slice(start, start + _BLOCK)
        middle = normalised(_taken(first, pairs[here, 0])[:, shift:-shift, shift:-shift])
        whole = _taken(second, pairs[here, 1])
        for down, right in itertools.product(range(2 * shift + 1), repeat=2):
            part = whole[:, down : down + inner, right : right + inner]
            # The middle has mean 0, so the part's own mean drops out of the product.
            products = np.einsum("phw,phw->p", middle, part)
            norms = np.sqrt(np.einsum("phw,phw->p", part, part) - inner**2 * part.mean((1, 2)) ** 2)
            alike = np.where(norms > _TINY, products / np.maximum(norms, _TINY), 0)
            best[here] = np.maximum(best[here], alike)
    return best


def normalised(images: np.ndarray) -> np.ndarray:
    """Returns f32[N,h,w] with mean 0 and length 1 for each image; 0 where it has no details."""
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    return np.where(length > _TINY, centred / np.maximum(length, _TINY), 0)


def pooled(images: np.ndarray, factor: int) -> np.ndarray:
    """Returns f32[N,s/factor,s/factor], the means of squares of f32[N,s,s]."""
    count, side = len(images), images.shape[1] // factor
    return images.reshape(count, side, factor, side, factor).mean(axis=(2, 4))


def _factor(images: np.ndarray) -> int:
    return -(-images.shape[1] // SIDE)


def _taken(details: Details, rows: np.ndarray) -> np.ndarray:
    """Computes them once where an image is in several pairs."""
    distinct, place = np.unique(rows, return_inverse=True)
    return details[distinct][place]
