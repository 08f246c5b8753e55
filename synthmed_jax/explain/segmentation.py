"""Regions of an image: the pixels that are hidden and shown together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from skimage import segmentation as skimage_segmentation

from synthmed_jax import checks


def segment(image: np.ndarray, method: str, count: int) -> np.ndarray:
    """Cuts an image into regions; the same image always gives the same ones.

    Args:
      image: u8 or f32 [S,S,C], C of 1 or 3.
      method: one of SEGMENTATIONS.
      count: about how many regions; for quickshift and felzenszwalb it is a mere hint.

    Returns i32[S,S], the region of each pixel, from 0 without gaps.

    Raises:
      UserError: an unknown method.
    """
    checks.one_of("segmentation", method, SEGMENTATIONS)
    low, high = (0, 255) if image.dtype == np.uint8 else (image.min(), image.max())
    scaled = (image.astype(np.float64) - low) / max(float(high) - float(low), 1e-12)
    regions = SEGMENTATIONS[method](scaled, count)
    return np.unique(regions, return_inverse=True)[1].reshape(regions.shape).astype(np.int32)


def _slic(image: np.ndarray, count: int) -> np.ndarray:
    """SLIC (Achanta et al., 2012), on the plain grey levels or RGB."""
    # 0.4 for a grey range of 1, to which every image is stretched here: regions follow the tissue,
    # and none is the whole brain. Of C channels, distances between equal greys are sqrt(C) times
    # as large.
    return skimage_segmentation.slic(
        image,
        n_segments=count,
        compactness=0.4 * np.sqrt(image.shape[-1]),
        start_label=0,
        channel_axis=-1,
        convert2lab=False,
    )


def _quickshift(image: np.ndarray, count: int) -> np.ndarray:
    """Quick shift (Vedaldi & Soatto, 2008); its modes lie half a region's width or more apart."""
    width = image.shape[0] / np.sqrt(count)
    return skimage_segmentation.quickshift(
        np.broadcast_to(image, (*image.shape[:2], 3)),
        kernel_size=max(1.0, width / 8),
        max_dist=width / 2,
        ratio=0.5,
        convert2lab=False,
        rng=0,
    )


def _felzenszwalb(image: np.ndarray, count: int) -> np.ndarray:
    """Felzenszwalb & Huttenlocher (2004), no region under a quarter of the even share."""
    least = max(1, image.shape[0] * image.shape[1] // (4 * count))
    return skimage_segmentation.felzenszwalb(
        image, scale=least / 2, sigma=0.5, min_size=least, channel_axis=-1
    )


def _grid(image: np.ndarray, count: int) -> np.ndarray:
    """Squares of one size, whatever the image shows."""
    size, side = image.shape[0], min(image.shape[0], max(1, round(np.sqrt(count))))
    along = np.arange(size) * side // size
    return along[:, None] * side + along[None, :]


SEGMENTATIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "slic": _slic,
    "quickshift": _quickshift,
    "felzenszwalb": _felzenszwalb,
    "grid": _grid,
}
