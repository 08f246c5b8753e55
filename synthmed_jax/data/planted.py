"""What share of planted copies a search for duplicates would find: its power."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from synthmed_jax.data import alignment
from synthmed_jax.data.first_sight import find_candidates

COPIES = 100
"""At most so many images are copied."""
_JPEG_QUALITY = 50
_CONTRAST = 1.3
_BRIGHTER = 20  # grey levels
_NOISE = 10  # its deviation, grey levels


def plant(images: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Returns changed copies u8[N,S,S,C] of images u8[N,S,S,C], by what was done to them."""
    values = images.astype(np.float64)
    noise = np.random.default_rng(seed).normal(0, _NOISE, images.shape)
    return {
        "unchanged": images,
        "moved by 1 pixel": _moved(images, 1),
        "moved by 2 pixels": _moved(images, 2),
        f"JPEG, quality {_JPEG_QUALITY}": np.stack([_as_jpeg(image) for image in images]),
        "blur, 0.7 pixels": _levels(ndimage.gaussian_filter(values, (0, 0.7, 0.7, 0))),
        "blur, 1 pixel": _levels(ndimage.gaussian_filter(values, (0, 1, 1, 0))),
        f"contrast times {_CONTRAST}": _levels((values - 128) * _CONTRAST + 128),
        f"brighter by {_BRIGHTER}": _levels(values + _BRIGHTER),
        f"noise, deviation {_NOISE}": _levels(values + noise),
        "turned by 2 degrees": _turned(values, 2),
        "turned by 5 degrees": _turned(values, 5),
    }


def measure_power(
    images: np.ndarray, distinct: np.ndarray, originals: np.ndarray, threshold: float, seed: int
) -> dict[str, float]:
    """Plants changed copies of some images, and returns the share that is found of each change.

    A copy is found if its original is among its candidates and more alike than the threshold.

    Args:
      images: u8[N,S,S,C], S from `alignment.SMALLEST`.
      distinct: i64[D], sorted: images of which no two have the same pixels; they are searched.
      originals: i64[M], some of `distinct`; at most `COPIES` of them are copied.
      seed: of the choice and of the noise.
    """
    count = min(COPIES, len(originals))
    chosen = np.random.default_rng(seed).choice(originals, count, replace=False)
    changed = plant(np.asarray(images[chosen]), seed)
    # All changes in one search: it goes through the whole set.
    copies = alignment.details_of_all(np.concatenate(list(changed.values())))
    details = alignment.Details(images, distinct)
    place = np.tile(np.searchsorted(distinct, chosen), len(changed))
    pairs = find_candidates(copies, details)
    own = pairs[pairs[:, 1] == place[pairs[:, 0]]]
    alike = np.maximum(
        alignment.correlate(copies, details, own),
        alignment.correlate(details, copies, own[:, ::-1]),
    )
    found = np.bincount(own[alike > threshold, 0] // count, minlength=len(changed))
    return {how: float(hits / count) for how, hits in zip(changed, found, strict=True)}


def _levels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _moved(images: np.ndarray, pixels: int) -> np.ndarray:
    """Down and to the right; the rim is repeated."""
    margins = ((0, 0), (pixels, 0), (pixels, 0), (0, 0))
    return np.pad(images, margins, "edge")[:, :-pixels, :-pixels]


def _as_jpeg(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    squeezed = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(squeezed).save(stream, "JPEG", quality=_JPEG_QUALITY)
    with Image.open(stream) as opened:
        return np.asarray(opened).reshape(image.shape)


def _turned(values: np.ndarray, degrees: float) -> np.ndarray:
    turn: Callable[..., np.ndarray] = ndimage.rotate
    return _levels(turn(values, degrees, (1, 2), reshape=False, order=1, mode="nearest"))
