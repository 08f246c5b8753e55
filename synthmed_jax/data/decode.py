"""Synthetic images back from their files, and how any image becomes square."""

import numpy as np
from PIL import Image

from synthmed_jax.data.formats import raster
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError
from synthmed_jax.data.settings import FITS, DataSettings

DECODE_VERSION = 4
"""Part of the key of cached arrays: raise it when the pixels of the same file change."""


def decode_image(content: bytes, channels: int) -> np.ndarray:
    """Decodes an image of 8 bits (its first frame) to grey or RGB, upright; see raster.Raster.

    Args:
      content: the file as it is on disk.
      channels: 1 for luminance (ITU-R 601), 3 for RGB.

    Returns:
      u8[H,W,channels].

    Raises:
      DecodeError: not an image, truncated, damaged, of more than 8 bits, or very large.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels}")
    opened = raster.open_raster(content, DataSettings.max_pixels)
    if opened.kind != EIGHT_BITS:
        raise DecodeError(f"a {opened.kind.name} image, where one of 8 bits is expected")
    return opened.read(0, channels)


def fit_image(
    image: np.ndarray, size: int, fit: str, max_pixels: int = DataSettings.max_pixels
) -> np.ndarray:
    """Makes an image square and resizes it (Lanczos with antialiasing, rounded to whole levels).

    Where the square would have more than `max_pixels` pixels (a strip of 200,000 x 100), the image
    is made small first, at least one pixel high and wide, and gets its borders then.

    Args:
      image: u8[H,W,C], C = 1 or 3.
      size: side of the result, in pixels.
      fit: "pad" (black borders to a square), "crop" (central square) or "stretch" (aspect lost).
      max_pixels: the most pixels that the square before resizing may have.

    Returns:
      u8[size,size,C].
    """
    height, width, channels = image.shape
    if fit != "crop" and max(height, width) ** 2 > max_pixels:
        image = _shrink(image, size, keeps_aspect=fit == "pad")
        height, width = image.shape[:2]
    if fit == "pad":
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        rest = ((top, side - height - top), (left, side - width - left), (0, 0))
        image = np.pad(image, rest) if height != width else image
    elif fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        image = image[top : top + side, left : left + side]
    elif fit != "stretch":
        raise ValueError(f"fit must be one of {', '.join(FITS)}, got {fit!r}")
    if image.shape[:2] == (size, size):
        return np.ascontiguousarray(image)
    resized = np.asarray(_picture(image).resize((size, size), Image.Resampling.LANCZOS))
    return resized.reshape(size, size, channels)


def stretch_images(images: np.ndarray, size: int) -> np.ndarray:
    """Resizes images u8[N,H,W,C] to u8[N,size,size,C], as `fit_image` does with "stretch".

    Those that have the size already, or are none, are returned as they are.
    """
    if images.shape[1:3] == (size, size) or not len(images):
        return images
    return np.stack([fit_image(image, size, "stretch") for image in images])


def _shrink(image: np.ndarray, size: int, *, keeps_aspect: bool) -> np.ndarray:
    """Resizes an image of any shape to at most `size` pixels a side.

    It averages blocks first: the table of Lanczos weights is as long as the image.
    """
    height, width = size, size
    if keeps_aspect:
        longest = max(image.shape[:2])
        height, width = (max(1, round(side * size / longest)) for side in image.shape[:2])
    resized = _picture(image).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
    return np.asarray(resized).reshape(height, width, image.shape[2])


def _picture(image: np.ndarray) -> Image.Image:
    """Returns u8[H,W,C] as Pillow has it."""
    return Image.fromarray(np.ascontiguousarray(image[:, :, 0] if image.shape[2] == 1 else image))
