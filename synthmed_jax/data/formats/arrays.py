"""NumPy's own files: .npy, and .npz with one array."""

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator
from typing import IO

import numpy as np

from synthmed_jax.data.formats import colour
from synthmed_jax.data.formats.opened import (
    EIGHT_BITS,
    DecodeError,
    Opened,
    check_finite,
    check_size,
    check_unpacked,
    damage,
    kind_of,
)
from synthmed_jax.data.formats.quiet import quiet


class Array(Opened):
    """An image or a stack of images in one array.

    Grey is [H,W] or [K,H,W], colour u8 [H,W,3] or [K,H,W,3]; a last axis of length 1 does not
    count. Truth values become black and white.
    """

    format = "NumPy"

    def __init__(self, content: bytes, max_pixels: int, axis: int) -> None:
        """Reads the array, unless its header says that it is too large.

        Args:
          content: the file as it is on disk.
          max_pixels: the most pixels of an image.
          axis: of a grey stack, along which its images lie.

        Raises:
          DecodeError: damaged, not one array of numbers in one of these shapes, or images larger
            than `max_pixels`, or too large when unpacked.
        """
        with damage("not an array of numbers, or damaged or cut off"), quiet():
            with _open(content) as stream:
                shape, dtype = _header(stream)
                # An array of that shape that takes no memory.
                planned = _stack(np.broadcast_to(np.zeros((), dtype), shape), axis)
                height, width = planned.shape[1:3]
                check_size(width, height, max_pixels)
                check_unpacked(math.prod(shape) * dtype.itemsize, len(content), max_pixels)
            with _open(content) as stream:
                array = np.lib.format.read_array(stream, allow_pickle=False)
        self._stack = _stack(array, axis)
        if self._stack.dtype == bool:
            self._stack = np.where(self._stack, np.uint8(255), np.uint8(0))
        self.kind = kind_of(self._stack.dtype)
        self.has_axes = self._stack.ndim == 3  # colours are no axis to look along
        self.size = width, height
        self.num_frames = len(self._stack)

    def read(self, frame: int, channels: int) -> np.ndarray:
        """Reads one image; see `Opened.read`."""
        values = self._stack[frame]
        check_finite(values)
        return colour.with_channels(values, channels) if self.kind == EIGHT_BITS else values

    def is_coloured(self, frame: int) -> bool:
        """Whether an image has colours; see `Opened.is_coloured`."""
        return self._stack.ndim == 4 and colour.has_colours(self._stack[frame])


@contextlib.contextmanager
def _open(content: bytes) -> Iterator[IO[bytes]]:
    """Opens a .npy file, or the only one in an .npz file; nothing is unpacked but what is read."""
    if not content.startswith(b"PK"):
        yield io.BytesIO(content)
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.namelist()
        if len(entries) == 1:
            with archive.open(entries[0]) as stream:
                yield stream
            return
    names = sorted(entry.removesuffix(".npy") for entry in entries)
    if any(f"{name.removesuffix('_images')}_labels" in names for name in names):
        raise DecodeError(
            "images and labels in one file, as MedMNIST has them: --config.data.name=medmnist "
            "reads it"
        )
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    raise DecodeError(f"{len(names)} arrays ({shown}), where one is expected")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Reads shape and type of the array of a .npy file."""
    old = np.lib.format.read_magic(stream) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise TypeError("Python objects")
    return shape, dtype


def _stack(array: np.ndarray, axis: int) -> np.ndarray:
    """Returns [K,H,W] or u8[K,H,W,3], of truth values where `array` is."""
    stack = array[..., 0] if array.ndim > 2 and array.shape[-1] == 1 else array
    channels = stack.shape[-1] if stack.ndim > 2 else 1
    if stack.dtype in (np.uint8, np.bool_) and channels == 3 and stack.ndim in (3, 4):
        stack = stack[None] if stack.ndim == 3 else stack
    elif stack.ndim == 2:
        stack = stack[None]
    elif stack.ndim == 3 and channels not in (2, 3, 4):
        stack = np.moveaxis(stack, axis, 0)
    else:
        stack = np.empty(0, stack.dtype)
    if stack.size == 0 or stack.dtype.kind not in "uifb":
        raise DecodeError(
            f"array of shape {array.shape} and type {array.dtype}: neither grey [H,W] or [K,H,W] "
            "nor colours uint8 [H,W,3] or [K,H,W,3]"
        )
    return stack
