"""Exact twins: images whose decoded pixels are equal, whatever their files are."""

from __future__ import annotations

import hashlib

import numpy as np


def first_twins(images: np.ndarray) -> np.ndarray:
    """Returns i64[N]: for each image the index of the first one with the same pixels.

    Args:
      images: u8[N,...], decoded.
    """
    first: dict[bytes, int] = {}
    return np.asarray(
        [
            first.setdefault(hashlib.sha256(image.tobytes()).digest(), index)
            for index, image in enumerate(images)
        ],
        np.int64,
    )
