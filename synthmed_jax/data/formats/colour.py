"""Colours of 8-bit images: whether there are any, and how they become grey."""

import numpy as np
from PIL import Image

COLOURED = 8
"""Grey levels. An image has colours where its channels differ by more than this, on average over
the pixels: a scanner's tint stays below."""

SAMPLE = 32
"""Colours are looked for at so many rows and columns at most."""


def has_colours(pixels: np.ndarray) -> bool:
    """Whether an image u8[H,W,3] has colours, judged by at most SAMPLE x SAMPLE of its pixels.

    Pixels are picked and not averaged: the mean of red and green neighbours would be grey.
    """
    height, width = (-(-side // SAMPLE) for side in pixels.shape[:2])
    red, green, blue = np.moveaxis(pixels[::height, ::width], -1, 0)
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    return float((highest - lowest).mean()) > COLOURED


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Makes u8[H,W] or u8[H,W,3] to u8[H,W,channels]: 1 for luminance (ITU-R 601), 3 for RGB."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    converted = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return converted.reshape(*pixels.shape[:2], channels)
