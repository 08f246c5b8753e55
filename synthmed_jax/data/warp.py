"""Geometric augmentation that tells the network what it did (Karras et al. 2022, appendix F).

A warped image comes with five numbers that describe the warp. The network learns what images look
like given the numbers; sampling asks for numbers of zero, so that no warp leaks into what is drawn.
"""

from __future__ import annotations

import numpy as np

# Standard deviations: shift (share of the side, down and right), log2 of scale, log2 of aspect,
# rotation (turns). Small enough that anatomy stays anatomy.
SPREADS = np.array([0.06, 0.06, 0.12, 0.12, 0.02])
NUMBERS = len(SPREADS)


def warp(
    images: np.ndarray, rng: np.random.Generator, probability: float
) -> tuple[np.ndarray, np.ndarray]:
    """Warps each image by itself, with some probability.

    What comes in from outside repeats the edge.

    Args:
      images: u8[B,S,S,C].
      probability: that an image is warped, in [0, 1].

    Returns:
      u8[B,S,S,C] and f32[B,NUMBERS], each number over its SPREADS: 0 for an image left as it was.
    """
    count, size = images.shape[:2]
    chosen = rng.random(count) < probability
    numbers = rng.normal(size=(count, NUMBERS)) * np.expand_dims(chosen, 1)
    down, right, scale, aspect, turns = (numbers * SPREADS).T
    angle = 2 * np.pi * turns
    # Where each output pixel looks: the inverse of scale, then turn, then shift about the centre.
    stretch_y, stretch_x = 2 ** (scale + aspect / 2), 2 ** (scale - aspect / 2)
    along = np.arange(size) - (size - 1) / 2
    y = along[None, :, None] - size * down[:, None, None]
    x = along[None, None, :] - size * right[:, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    from_y = (cos * y + sin * x) / stretch_y[:, None, None] + (size - 1) / 2
    from_x = (cos * x - sin * y) / stretch_x[:, None, None] + (size - 1) / 2
    return _bilinear(images, from_y, from_x), numbers.astype(np.float32)


def _bilinear(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Looks u8[B,S,S,C] up at real coordinates f64[B,S,S], edges repeated; rounded u8."""
    size = images.shape[1]
    y, x = np.clip(y, 0, size - 1), np.clip(x, 0, size - 1)
    top = np.minimum(y.astype(np.int64), size - 2)
    left = np.minimum(x.astype(np.int64), size - 2)
    down, right = (y - top)[..., None], (x - left)[..., None]
    one = np.arange(len(images))[:, None, None]
    above = images[one, top, left] * (1 - right) + images[one, top, left + 1] * right
    below = images[one, top + 1, left] * (1 - right) + images[one, top + 1, left + 1] * right
    return np.rint(above * (1 - down) + below * down).astype(np.uint8)
