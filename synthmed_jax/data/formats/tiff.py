"""What TIFF knows beyond Pillow: the meaning of its values, and types that Pillow can't open."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator

import numpy as np
import tifffile
from PIL import Image, TiffImagePlugin

from synthmed_jax.data.formats import colour
from synthmed_jax.data.formats.opened import (
    EIGHT_BITS,
    DecodeError,
    Opened,
    check_finite,
    check_size,
    kind_of,
)
from synthmed_jax.data.formats.quiet import quiet

# The tags' numbers in the TIFF 6.0 specification.
_BITS_PER_SAMPLE = 258
_COMPRESSION = 259
_PHOTOMETRIC = 262
_ORIENTATION = 274
_SAMPLES_PER_PIXEL = 277
_SAMPLE_FORMAT = 339
_SIGNED = 2
_UNCOMPRESSED = 1


def is_tiff(content: bytes) -> bool:
    """Whether the bytes begin as a TIFF's or a BigTIFF's."""
    return content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow swaps the bytes of a TIFF's values twice.

    It does in compressed big-endian files of signed or 32-bit values: libtiff, which undoes the
    compression, has swapped them already.
    """
    return (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and image.mode in ("I", "F")
        and image.tag_v2.prefix == b"MM"
        and image.tag_v2.get(_COMPRESSION, _UNCOMPRESSED) != _UNCOMPRESSED
    )


@dataclasses.dataclass(frozen=True)
class Tags:
    """What a page's tags say of its values.

    Attributes:
      bits: per value.
      signed: whether they are signed integers.
      white_is_zero: whether the lowest value is white.
      channels: values per pixel.
    """

    bits: int = 8
    signed: bool = False
    white_is_zero: bool = False
    channels: int = 1

    @staticmethod
    def of(image: Image.Image) -> Tags:
        """Reads the tags of the page at which a TIFF stands that Pillow has opened."""
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        tags = image.tag_v2
        return Tags(
            bits=tags.get(_BITS_PER_SAMPLE, (1,))[0],
            signed=tags.get(_SAMPLE_FORMAT, (1,))[0] == _SIGNED,
            white_is_zero=tags.get(_PHOTOMETRIC) == 0,
            channels=tags.get(_SAMPLES_PER_PIXEL, 1),
        )


class DeepTiff(Opened):
    """A grey TIFF of a type that Pillow does not know, such as float64, read by tifffile."""

    format = "TIFF"

    def __init__(self, content: bytes, max_pixels: int) -> None:
        """Reads the header.

        Raises:
          DecodeError: damaged, larger than `max_pixels`, or not one value per pixel.
        """
        with quiet(), _reasons():
            pages = list(tifffile.TiffFile(io.BytesIO(content)).pages)
            first = pages[0].aspage()
            if first.dtype is None or len(first.shape) != 2:
                raise DecodeError(
                    f"TIFF of shape {first.shape}, {first.dtype or 'of an unknown type'}: "
                    "neither grey nor RGB"
                )
            if first.tags.valueof(_ORIENTATION, 1) != 1:
                raise DecodeError(f"TIFF of {first.dtype} that is stored turned: save it upright")
            self.size = first.shape[1], first.shape[0]
            check_size(*self.size, max_pixels)
            self.kind = kind_of(first.dtype, inverted=first.photometric == 0)
            # As in raster.py, pages of another size are no slices.
            self._pages = [
                page
                for page in (page.aspage() for page in pages)
                if page.shape == first.shape and page.dtype == first.dtype
            ]
        self.num_frames = len(self._pages)

    def read(self, frame: int, channels: int) -> np.ndarray:
        """Reads one image; see `Opened.read`."""
        with quiet(), _reasons():
            values = self._pages[frame].asarray()
        check_finite(values)
        return colour.with_channels(values, channels) if self.kind == EIGHT_BITS else values

    def is_coloured(self, frame: int) -> bool:
        """Always False: it is grey."""
        return False


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """Turns what tifffile raises into a DecodeError."""
    try:
        yield
    except DecodeError:
        raise
    except Exception as error:  # its parser raises whatever a broken file hits
        raise DecodeError(
            f"a TIFF that neither Pillow nor tifffile reads ({type(error).__name__}: {error}); "
            "uncompressed it may be read"
        ) from error
