"""Random images that stand for photographs: smooth, and no two alike."""

import numpy as np
from scipy import ndimage


def scenes(count: int, side: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """u8[count,side,side,channels]."""
    noise = np.random.default_rng(seed).normal(size=(count, side, side, channels))
    smooth = ndimage.gaussian_filter(noise, (0, side / 32, side / 32, 0))
    return np.clip(np.rint(128 + 60 * smooth / smooth.std()), 0, 255).astype(np.uint8)
