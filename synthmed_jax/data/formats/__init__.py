"""The file formats that images come in: one reader per format, behind one function."""

import functools
from pathlib import Path

from synthmed_jax.data.formats import arrays, dicom, nifti, raster
from synthmed_jax.data.formats.opened import DecodeError, Opened
from synthmed_jax.errors import UserError

_DICOM = (".dcm", ".dicom", ".ima")
_NIFTI = (".nii", ".nii.gz")
_ARRAYS = (".npy", ".npz")
# The index that a CD or an archive has beside its DICOM files.
_INDEX = "dicomdir"


def open_image(content: bytes, file: str, max_pixels: int, axis: int | None = None) -> Opened:
    """Opens an image file: by its content if that is DICOM, else by the ending of its name.

    Args:
      content: the file as it is on disk.
      file: its name or path: for its ending, and for the message of UserError.
      max_pixels: the most pixels that an image may have.
      axis: of volumes and of arrays [K,H,W], along which the images lie, 0 to 2; None: a volume's
        third, an array's first. Other formats do not read it.

    Raises:
      DecodeError: not an image, damaged, or larger than `max_pixels`.
      UserError: the package that reads it is not installed.
    """
    if not content:
        raise DecodeError("no bytes in the file")
    name = file.lower()
    if dicom.is_dicom(content) or name.endswith(_DICOM):
        return dicom.Dicom(content, file, max_pixels)
    if name.endswith(_NIFTI):
        return nifti.Nifti(content, file, max_pixels, 2 if axis is None else axis)
    if name.endswith(_ARRAYS):
        return arrays.Array(content, max_pixels, 0 if axis is None else axis)
    return raster.open_raster(content, max_pixels)


@functools.cache
def endings() -> frozenset[str]:
    """Returns the lower-case endings (".png", ".nii.gz", ...) of files that may be images."""
    return raster.endings() | {*_DICOM, *_NIFTI, *_ARRAYS}


def has_image_ending(file: str) -> bool:
    """Whether a file's name ends like an image's, in lower or upper case."""
    # Path knows no ending of two parts.
    return file.lower().endswith(".nii.gz") or Path(file).suffix.lower() in endings()


def is_image(path: Path) -> bool:
    """Whether a file is one of images: by its ending, else by a look for DICOM in its first bytes.

    DICOM files often have no ending, or the last number of a UID as one.

    Raises:
      UserError: the file can't be read.
    """
    if has_image_ending(path.name):
        return True
    if path.name.lower() == _INDEX or not path.is_file():  # a broken link, a pipe
        return False
    try:
        with path.open("rb") as stream:
            return dicom.is_dicom(stream.read(132))
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}): mend or remove it") from error
