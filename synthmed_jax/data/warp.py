"""Geometric augmentation that tells the network what it did (Karras et al. 2022, appendix F).

A warped image comes with five numbers that describe the warp, and the network is given them. When
images are drawn from the network the numbers are zero, which means "not warped": so the network can
learn from warped images and yet draw none.
"""

from __future__ import annotations

import numpy as np

SPREADS = np.array([0.06, 0.06, 0.12, 0.12, 0.02])
"""Standard deviations of shift down and right (share of the side), log2 of scale, log2 of aspect
ratio, and rotation (turns): small enough that anatomy stays anatomy."""
NUMBERS = len(SPREADS)


def draw_numbers(count: int, rng: np.random.Generator, probability: float) -> np.ndarray:
    """Draws how images are warped, each with some probability, by random numbers for it alone.

    Returns:
      f64[count,NUMBERS] in units of SPREADS: unit normal where an image is warped, all 0 where it
      is left as it is.
    """
    chosen = rng.random(count) < probability
    return rng.normal(size=(count, NUMBERS)) * np.expand_dims(chosen, 1)


def warp(images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Warps each image; pixels from beyond the border repeat the edge.

    Args:
      images: u8[B,S,S,C], S >= 2.
      numbers: f64[B,NUMBERS], as `draw_numbers` returns them.

    Returns:
      u8[B,S,S,C].
    """
    size = images.shape[1]
    down, right, scale, aspect, turns = (numbers * SPREADS).T
    angle = 2 * np.pi * turns
    # The place in the source that each pixel of the result comes from: about the centre, the shift
    # is undone first, then the rotation, then the scale.
    stretch_y, stretch_x = 2 ** (scale + aspect / 2), 2 ** (scale - aspect / 2)
    along = np.arange(size) - (size - 1) / 2
    y = along[None, :, None] - size * down[:, None, None]
    x = along[None, None, :] - size * right[:, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    from_y = (cos * y + sin * x) / stretch_y[:, None, None] + (size - 1) / 2
    from_x = (cos * x - sin * y) / stretch_x[:, None, None] + (size - 1) / 2
    return _bilinear(images, from_y, from_x)


def zoom(images: np.ndarray, factor: float) -> np.ndarray:
    """Enlarges u8[B,S,S,C], S >= 2, about the centre by a factor; the size stays what it is."""
    size = images.shape[1]
    along = (np.arange(size) - (size - 1) / 2) / factor + (size - 1) / 2
    y, x = np.meshgrid(along, along, indexing="ij")
    shape = (len(images), size, size)
    return _bilinear(images, np.broadcast_to(y, shape), np.broadcast_to(x, shape))


def _bilinear(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Interpolates u8[B,S,S,C] at fractional pixels y, x f64[B,S,S]; edges repeat; rounds to u8."""
    size = images.shape[1]
    y, x = np.clip(y, 0, size - 1), np.clip(x, 0, size - 1)
    top = np.minimum(y.astype(np.int64), size - 2)
    left = np.minimum(x.astype(np.int64), size - 2)
    down, right = (y - top)[..., None], (x - left)[..., None]
    one = np.arange(len(images))[:, None, None]
    above = images[one, top, left] * (1 - right) + images[one, top, left + 1] * right
    below = images[one, top + 1, left] * (1 - right) + images[one, top + 1, left + 1] * right
    return np.rint(above * (1 - down) + below * down).astype(np.uint8)
