"""What a reader of one format gives: an opened file, whose images are read one by one."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np

from synthmed_jax.errors import UserError


class DecodeError(ValueError):
    """The bytes are not an image that can be used; the message says why."""


class NoImageError(DecodeError):
    """The file is whole and of a known format, but holds something else; the message says what."""


@contextlib.contextmanager
def damage(reason: str, advice: str = "") -> Iterator[None]:
    """Turns what a library raises of a broken file, which may be anything, into a DecodeError.

    Its message is left out: it may quote a field. Where another decoder may help, there is `advice`
    and the error is a UserError.
    """
    try:
        yield
    except (DecodeError, UserError):
        raise
    except Exception as error:
        if advice:
            raise UserError(f"{advice}. It may also be that {reason}") from error
        raise DecodeError(f"{reason} ({type(error).__name__})") from error


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises DecodeError if an image has no pixels, or more than `max_pixels`."""
    if min(width, height) < 1:
        raise DecodeError(f"{width} x {height} pixels: damaged, or empty")
    if width * height > max_pixels:
        raise DecodeError(
            f"{width} x {height} pixels, more than data.max_pixels={max_pixels}: raise it with "
            f"--config.data.max_pixels={width * height}"
        )


_BYTES_PER_PIXEL = 16


def check_unpacked(size: int, packed: int, max_pixels: int) -> None:
    """Raises DecodeError if a file whose images can't be read one by one would take much memory.

    Zeros are compressed to a thousandth. With the default, 1.4 GB are allowed: 2,700 slices of
    512 x 512 pixels of 16 bits.

    Args:
      size: of what is unpacked, bytes.
      packed: of the file, bytes; as many may be unpacked in any case.
      max_pixels: the most pixels of an image; 16 bytes for each of them may be unpacked.
    """
    if size > max(packed, _BYTES_PER_PIXEL * max_pixels):
        wanted = -(-size // _BYTES_PER_PIXEL)
        raise DecodeError(
            f"{size / 1e9:.3g} GB when unpacked, more than {_BYTES_PER_PIXEL} bytes for each of "
            f"data.max_pixels={max_pixels}: save its images as several files, or, if there is "
            f"memory for all of it, --config.data.max_pixels={wanted}"
        )


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the values of a file mean: one grey scale holds for all files of one kind.

    Attributes:
      name: for tables and messages: "8-bit", "16-bit", "16-bit signed", "float", "DICOM CT", ...
      inverted: the lowest value is white (TIFF's WhiteIsZero, DICOM's MONOCHROME1).
    """

    name: str
    inverted: bool = False


EIGHT_BITS = Kind("8-bit")
"""Values that are grey levels or colours from 0 to 255 already, 0 being black."""


def kind_of(dtype: np.dtype, inverted: bool = False) -> Kind:
    """Returns the kind of plain numbers: "16-bit", "16-bit signed", "float"; u8 is EIGHT_BITS.

    Raises:
      DecodeError: no real numbers, or of more than 64 bits.
    """
    if dtype.kind == "f" and dtype.itemsize > 8:
        raise DecodeError(f"values of type {dtype}, more than 64 bits each: save them as float64")
    if dtype.kind == "f":
        return Kind("float", inverted)
    if dtype.kind not in "ui":
        raise DecodeError(f"values of type {dtype}, which are no grey levels")
    return Kind(f"{8 * dtype.itemsize}-bit{' signed' if dtype.kind == 'i' else ''}", inverted)


def check_finite(values: np.ndarray) -> None:
    """Raises DecodeError if there are values that are not finite, in 32 bits at least."""
    if values.dtype.kind != "f":
        return
    if not np.isfinite(values).all():
        raise DecodeError("floating-point image with values that are not finite")
    # No grey scale could be computed from them: their differences are infinite.
    if values.dtype.itemsize > 4 and np.abs(values).max(initial=0) > np.finfo(np.float32).max:
        raise DecodeError("floating-point image with values beyond 3.4e38, the most of 32 bits")


class Opened(abc.ABC):
    """One file, opened. It may hold a stack of images: pages, slices, frames of a film.

    Attributes:
      format: for tables and messages: "PNG", "JPEG", "TIFF", "DICOM", "NIfTI", ...
      kind: what the values mean.
      size: (width, height) of an image, pixels, before an orientation is applied.
      num_frames: how many images the file holds.
      own_window: the values that become black and white where the file itself says so (DICOM's
        WindowCenter and WindowWidth); None: it does not.
      has_axes: whether its images may be taken along another axis: it is a volume.
      ends: (lowest, highest) value that the file can hold, where the file itself says so (DICOM's
        BitsStored); None: it does not.
    """

    format: str
    kind: Kind
    size: tuple[int, int]
    num_frames: int
    own_window: tuple[float, float] | None = None
    has_axes: bool = False
    ends: tuple[float, float] | None = None

    @abc.abstractmethod
    def read(self, frame: int, channels: int) -> np.ndarray:
        """Reads one image, upright.

        Args:
          frame: which one, 0 <= frame < num_frames.
          channels: 1 (luminance) or 3 (RGB) for files of EIGHT_BITS.

        Returns:
          u8[H,W,channels] for EIGHT_BITS; for any other kind the values [H,W], of any real dtype,
          in the file's own units (after DICOM's slope and intercept) and not yet inverted.

        Raises:
          DecodeError: truncated or damaged, or values that are not finite.
        """

    @abc.abstractmethod
    def is_coloured(self, frame: int) -> bool:
        """Whether an image has colours: its channels differ by more than a scanner's tint."""
