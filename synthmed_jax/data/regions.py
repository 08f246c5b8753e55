"""Parts of an image where a shortcut can hide: its outermost ring, its corners, its background.

Forests that see nothing else, importance that lies there, and networks from which they are hidden
are all about the pixels that are defined here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

_RING = 32  # sides of so many pixels have a ring of one
_CORNER = 8  # sides of a corner's square in one of the image's


def rim(size: int, width: int) -> np.ndarray:
    """The outermost `width` pixels of an image, bool[S,S]."""
    inside = np.zeros((size, size), bool)
    inside[width : size - width, width : size - width] = True
    return ~inside


def ring(size: int) -> np.ndarray:
    """The outermost ring of pixels, a 32nd of the side wide or one pixel, bool[S,S]."""
    return rim(size, max(1, size // _RING))


def corner_squares(size: int) -> np.ndarray:
    """Squares of an eighth of the side, or one pixel, in the four corners, bool[S,S]."""
    along, width = np.arange(size), max(1, size // _CORNER)
    outer = (along < width) | (along >= size - width)
    return outer[:, None] & outer[None, :]


def foreground(image: np.ndarray) -> np.ndarray:
    """Tissue against background, bool[S,S], by Otsu's threshold (1979) on the grey levels.

    Background is the side of the threshold on which most of the image's rim lies: dark around a
    head, bright around a stained cell. An image of one grey level is all background.

    Args:
      image: u8[S,S,C].
    """
    grey = image.astype(np.float64).mean(axis=-1)
    if grey.min() == grey.max():
        return np.zeros(grey.shape, bool)
    bright = grey > threshold_otsu(grey)
    return ~bright if bright[rim(len(grey), 1)].mean() > 0.5 else bright


def background(image: np.ndarray) -> np.ndarray:
    """What surrounds the tissue, bool[S,S]; it may be empty.

    Holes in the tissue, such as lungs, are tissue, and so are the pixels that touch it: their
    levels are a mixture of both.

    Args:
      image: u8[S,S,C].
    """
    solid = ndimage.binary_fill_holes(foreground(image))
    return ~ndimage.binary_dilation(solid, np.ones((3, 3), bool))


def _same_of_all(area: Callable[[int], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda images: np.broadcast_to(area(images.shape[1]), images.shape[:3])


# Images u8[N,S,S,C] -> their pixels bool[N,S,S] in the region.
REGIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ring": _same_of_all(ring),
    "corners": _same_of_all(corner_squares),
    "background": lambda images: np.stack([background(image) for image in images]),
}
