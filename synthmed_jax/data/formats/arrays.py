"""NumPy's own files: .npy, and .npz with one array."""

import io
from typing import Any

import numpy as np

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


class Array(Opened):
    """An image or a stack of images in one array.

    Grey is [H,W] or [K,H,W], colour u8 [H,W,3] or [K,H,W,3]; a last axis of length 1 does not
    count. Truth values become black and white.
    """

    format = "NumPy"

    def __init__(self, content: bytes, max_pixels: int, axis: int) -> None:
        """Reads the array.

        Args:
          content: the file as it is on disk.
          max_pixels: the most pixels of an image.
          axis: of a grey stack, along which its images lie.

        Raises:
          DecodeError: damaged, not one array of numbers in one of these shapes, or images larger
            than `max_pixels`.
        """
        self._stack = _stack(_load(content), axis)
        height, width = self._stack.shape[1:3]
        self.kind = kind_of(self._stack.dtype)
        self.has_axes = self._stack.ndim == 3  # colours are no axis to look along
        self.size = width, height
        self.num_frames = len(self._stack)
        check_size(width, height, max_pixels)

    def read(self, frame: int, channels: int) -> np.ndarray:
        """Reads one image; see `Opened.read`."""
        values = self._stack[frame]
        check_finite(values)
        return colour.with_channels(values, channels) if self.kind == EIGHT_BITS else values

    def is_coloured(self, frame: int) -> bool:
        """Whether an image has colours; see `Opened.is_coloured`."""
        return self._stack.ndim == 4 and colour.has_colours(self._stack[frame])


def _load(content: bytes) -> np.ndarray:
    try:
        with quiet():
            loaded = np.load(io.BytesIO(content), allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            with loaded:
                names = sorted(loaded.files)
                if len(names) == 1:
                    return _only_array(loaded[names[0]])
    except Exception as error:  # zip, zlib and NumPy raise whatever a broken file hits
        raise DecodeError(
            f"not an array of numbers, or damaged or cut off ({type(error).__name__})"
        ) from error
    if any(f"{name.removesuffix('_images')}_labels" in names for name in names):
        raise DecodeError(
            "images and labels in one file, as MedMNIST has them: --config.data.name=medmnist "
            "reads it"
        )
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    raise DecodeError(f"{len(names)} arrays ({shown}), where one is expected")


def _only_array(entry: Any) -> np.ndarray:
    """Returns an entry of an .npz file, which gives bytes where it holds no array."""
    if not isinstance(entry, np.ndarray):
        raise TypeError("no array")
    return entry


def _stack(array: np.ndarray, axis: int) -> np.ndarray:
    """Returns [K,H,W] or u8[K,H,W,3]."""
    stack = array[..., 0] if array.ndim > 2 and array.shape[-1] == 1 else array
    if stack.dtype == bool:
        stack = np.where(stack, np.uint8(255), np.uint8(0))
    channels = stack.shape[-1] if stack.ndim > 2 else 1
    if stack.dtype == np.uint8 and channels == 3 and stack.ndim in (3, 4):
        stack = stack[None] if stack.ndim == 3 else stack
    elif stack.ndim == 2:
        stack = stack[None]
    elif stack.ndim == 3 and channels not in (2, 3, 4):
        stack = np.moveaxis(stack, axis, 0)
    else:
        stack = np.empty(0, stack.dtype)
    if stack.size == 0 or stack.dtype.kind not in "uif":
        raise DecodeError(
            f"array of shape {array.shape} and type {array.dtype}: neither grey [H,W] or [K,H,W] "
            "nor colours uint8 [H,W,3] or [K,H,W,3]"
        )
    return stack
