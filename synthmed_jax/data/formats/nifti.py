"""NIfTI volumes (.nii, .nii.gz), by nibabel: slices of the volume as it lies in the patient."""

from __future__ import annotations

import functools
import gzip
import io
import math
from typing import Any, Literal

import numpy as np

from synthmed_jax.data.formats.opened import (
    DecodeError,
    Kind,
    Opened,
    check_finite,
    check_size,
    check_unpacked,
    damage,
)
from synthmed_jax.data.formats.optional import require
from synthmed_jax.data.formats.quiet import quiet

# The header's first number is its own length in bytes, and tells the two versions apart.
_VERSIONS = {348: "Nifti1", 540: "Nifti2"}
_BYTE_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")


class Nifti(Opened):
    """One volume, with its axes turned to the nearest of right, anterior and superior.

    A slice is shown with anterior (of axis 2) or superior (of axes 0 and 1) up; along axes 1 and 2
    the patient's left is on the left. Voxels that are no cubes are not resampled.
    """

    format = "NIfTI"
    kind = Kind("NIfTI")
    has_axes = True

    def __init__(self, content: bytes, file: str, max_pixels: int, axis: int) -> None:
        """Reads the header.

        Args:
          content: the file as it is on disk, compressed or not.
          file: for the message of UserError.
          max_pixels: the most pixels of a slice.
          axis: 0 gives sagittal, 1 coronal, 2 axial slices.

        Raises:
          DecodeError: damaged, not one volume of grey values, slices larger than `max_pixels`, or
            too large when unpacked.
          UserError: nibabel is not installed.
        """
        self._nibabel = require("nibabel", file)
        self._content, self._axis = content, axis
        with quiet(), damage("damaged or cut off"):
            start = _unzipped(content, max(_VERSIONS))
            lengths = {int.from_bytes(start[:4], order) for order in _BYTE_ORDERS} & set(_VERSIONS)
            if not lengths:
                raise DecodeError("not a NIfTI volume")
            length = lengths.pop()
            self._version = _VERSIONS[length]
            header = getattr(self._nibabel, f"{self._version}Header")(start[:length])
            dtype = header.get_data_dtype()
            if dtype.kind not in "uif":
                raise DecodeError(f"NIfTI of type {dtype}, whose values are no grey levels")
            self._shape = _volume(header.get_data_shape())
            # What is behind the volume, such as zeros that were compressed to nothing, is left.
            self._end = header.get_data_offset() + math.prod(self._shape) * dtype.itemsize
            self._orientation = self._nibabel.io_orientation(header.get_best_affine())
            if np.isnan(self._orientation).any():
                raise DecodeError("NIfTI whose header does not say how its axes lie")
        # For each of the stored axes: which one it becomes.
        self._axes = [int(canonical) for canonical, _ in self._orientation]
        shape = [self._shape[self._axes.index(canonical)] for canonical in range(3)]
        self.num_frames = shape.pop(axis)
        self.size = shape[0], shape[1]
        check_size(*self.size, max_pixels)
        check_unpacked(self._end, len(content), max_pixels)

    def read(self, frame: int, channels: int) -> np.ndarray:
        """Reads one slice as f32[H,W]; see `Opened.read`."""
        stored_axis = self._axes.index(self._axis)
        forward = self._orientation[stored_axis, 1] > 0
        index = frame if forward else self.num_frames - 1 - frame
        where = [slice(None)] * 3
        where[stored_axis] = slice(index, index + 1)
        with quiet(), damage("damaged or cut off"):
            stored = self._stored
            if len(stored.shape) == 3:
                # Of the volume only the slice becomes floats: all of it would take four times more.
                part = np.asarray(stored[tuple(where)], np.float32)
            else:
                part = np.asarray(stored, np.float32).reshape(self._shape)[tuple(where)]
            turned = self._nibabel.apply_orientation(part, self._orientation)
        values = np.rot90(np.take(turned, 0, axis=self._axis))
        check_finite(values)
        return values

    def is_coloured(self, frame: int) -> bool:
        """Always False: it is grey."""
        return False

    @functools.cached_property
    def _stored(self) -> Any:
        """The volume as nibabel reads parts of it: unscaled bytes until one is asked for."""
        image = getattr(self._nibabel, f"{self._version}Image")
        return image.from_bytes(_unzipped(self._content, self._end)).dataobj


def _unzipped(content: bytes, size: int) -> bytes:
    """Returns the first `size` bytes of a file that may be compressed."""
    if content[:2] != b"\x1f\x8b":
        return content[:size]
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        return stream.read(size)


def _volume(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the three sides of the one volume that a file of this shape holds."""
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise DecodeError(
            f"NIfTI of {len(shape)} dimensions, with {math.prod(shape[3:])} volumes: save those "
            "that are wanted as a file each"
        )
    if min(shape, default=0) < 1:
        raise DecodeError("NIfTI without values")
    return shape + (1,) * (3 - len(shape))
