"""The one path from a file's bytes to uint8 pixels: real and synthetic images alike take it."""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

from synthmed_jax.data.settings import FITS

DECODE_VERSION = 1
"""Part of the key of cached arrays: raise it when the pixels that this module returns change."""

# Formats that Pillow lists as readable but does not decode itself: for EPS it runs Ghostscript, for
# the others it needs a decoder that somebody must have registered.
_NOT_RASTER = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})


class DecodeError(ValueError):
    """The bytes are not an image that can be used; the message says why."""


def image_extensions() -> frozenset[str]:
    """Returns the lower-case file name endings (".png", ...) that Pillow can read as a raster."""
    Image.init()
    return frozenset(
        extension.lower()
        for extension, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in _NOT_RASTER
    )


def decode_image(content: bytes, channels: int) -> np.ndarray:
    """Decodes one image file (its first frame) to 8-bit grey or RGB, upright.

    EXIF orientation is applied; transparency is composited on black; 16-bit grey is divided by 257
    and rounded; palettes, 1-bit and CMYK are converted. 32-bit integers within [0, 65535] count as
    16-bit, floats within [0, 1] or [0, 255] as fractions or grey levels, and any other range is
    stretched from its minimum to its maximum. Not thread-safe before Python 3.14: it silences
    Pillow's warnings, which changes a filter that all threads share.

    Args:
      content: the file as it is on disk.
      channels: 1 for luminance (ITU-R 601), 3 for RGB.

    Returns:
      u8[H,W,channels].

    Raises:
      DecodeError: not an image, truncated, damaged, or larger than Pillow's decompression bomb
        limit (about 90 million pixels).
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                upright = ImageOps.exif_transpose(image)
                pixels = np.asarray(
                    _to_eight_bits(upright).convert("L" if channels == 1 else "RGB")
                )
    except DecodeError:
        raise
    except Exception as error:  # Pillow's parsers raise whatever a broken file hits
        reason = "no bytes in the file" if not content else f"{type(error).__name__}: {error}"
        # Its message is "cannot identify image file <_io.BytesIO object at 0x...>": no reason.
        if isinstance(error, Image.UnidentifiedImageError) and content:
            reason = "not an image in a format that Pillow reads"
        raise DecodeError(reason) from error
    return pixels.reshape(*pixels.shape[:2], channels)


def fit_image(image: np.ndarray, size: int, fit: str) -> np.ndarray:
    """Makes an image square and resizes it (Lanczos with antialiasing, rounded to whole levels).

    Args:
      image: u8[H,W,C], C = 1 or 3.
      size: side of the result, in pixels.
      fit: "pad" (black borders to a square), "crop" (central square) or "stretch" (aspect lost).

    Returns:
      u8[size,size,C].
    """
    height, width, channels = image.shape
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
    picture = Image.fromarray(np.ascontiguousarray(image[:, :, 0] if channels == 1 else image))
    resized = np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))
    return resized.reshape(size, size, channels)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Turns the modes that `convert` would spoil into "L" or "RGB"; the others stay as they are."""
    if image.mode.startswith("I;16"):
        return Image.fromarray(_from_sixteen_bits(np.asarray(image)))
    if image.mode == "I":
        values = np.asarray(image)
        if values.min() >= 0 and values.max() <= 65535:
            return Image.fromarray(_from_sixteen_bits(values))
        return Image.fromarray(_stretch(values.astype(np.float64)))
    if image.mode == "F":
        return Image.fromarray(_from_float(np.asarray(image, np.float64)))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        black = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, layer).convert("RGB")
    return image.convert("RGB") if image.mode == "P" else image


def _from_sixteen_bits(values: np.ndarray) -> np.ndarray:
    """round(v / 257): 65535 = 255 * 257, so that white stays white; 257 is odd, so no ties."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _from_float(values: np.ndarray) -> np.ndarray:
    """f64[H,W] -> u8[H,W]: fractions if all in [0, 1], levels if in [0, 255], else stretched."""
    if not np.isfinite(values).all():
        raise DecodeError("floating-point image with values that are not finite")
    low, high = values.min(), values.max()
    if low < 0 or high > 255:
        return _stretch(values)
    return np.rint(values * 255 if high <= 1 else values).astype(np.uint8)


def _stretch(values: np.ndarray) -> np.ndarray:
    """f64[H,W] -> u8[H,W]: the minimum becomes 0, the maximum 255; a flat image becomes 0."""
    low, high = values.min(), values.max()
    return np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
