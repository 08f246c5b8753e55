"""Drawn pictures and the files that hold them: a head on black, with a spot in one of the classes.

Pictures are as large as the images that the tests make of them, so that nothing is resampled and
every value can be followed to its grey level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pydicom.uid
import tifffile
from PIL import Image

SIDE = 24
CLASSES = ("benign", "malignant")
AIR = (0, 0)
"""A pixel that is black in every picture."""
MARK = (12, 12)
"""A pixel in the middle, where `marked` puts a value."""

Save = Callable[[Path, np.ndarray], None]


def picture(seed: int, spot: bool = False, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """Draws f64[H,W] in [0, 1]: air is 0, the bone around the head 1, a spot 0.9."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    radius = np.hypot(x / 0.85, y / 0.95)
    drawn = 0.4 + 0.1 * np.sin(6 * x + rng.uniform(0, 6)) * np.cos(5 * y)
    drawn += rng.normal(0, 0.02, drawn.shape)
    if spot:
        row, column = rng.uniform(-0.4, 0.4, 2)
        drawn[np.hypot(y - row, x - column) < 0.2] = 0.9
    drawn[radius > 0.85] = 1.0
    drawn[radius > 1] = 0.0
    return drawn


def marked(drawn: np.ndarray, value: float) -> np.ndarray:
    """Returns a copy with a square of one value around MARK."""
    drawn = drawn.copy()
    row, column = MARK
    drawn[row - 2 : row + 2, column - 2 : column + 2] = value
    return drawn


def u8(drawn: np.ndarray) -> np.ndarray:
    """Makes [0, 1] whole numbers from 0 to 255."""
    return np.rint(drawn * 255).astype(np.uint8)


def u16(drawn: np.ndarray, top: int = 65535) -> np.ndarray:
    """Makes [0, 1] whole numbers from 0 to `top`."""
    return np.rint(drawn * top).astype(np.uint16)


def hounsfield(drawn: np.ndarray) -> np.ndarray:
    """Makes [0, 1] Hounsfield units: air is -1000, bone 400."""
    return np.where(drawn == 0, -1000, np.rint(400 * drawn))


def classes(
    root: Path,
    save: Save | None = None,
    names: Iterable[str] = CLASSES,
    count: int = 6,
    ending: str = ".png",
    first: int = 0,
) -> None:
    """Writes `<class>/<number>.<ending>`, `count` pictures per class, all of them different.

    Args:
      save: writes one picture f64[H,W]; as it comes, an 8-bit image.
      first: number of the first picture.
    """
    for label, name in enumerate(names):
        for i in range(first, first + count):
            path = root / name / f"{i:02d}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            (save or image)(path, picture(1000 * label + i, spot=label > 0))


def image(path: Path, drawn: np.ndarray) -> None:
    """Writes an 8-bit grey image, in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(u8(drawn)).save(path)


def array(path: Path, values: np.ndarray) -> None:
    """Writes an image of just these values, by Pillow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def tiff(path: Path, values: np.ndarray, *, white_is_zero: bool = False, **options: object) -> None:
    """Writes a TIFF of just these values, [H,W] or the pages [K,H,W]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    photometric = "miniswhite" if white_is_zero else "minisblack"
    tifffile.imwrite(path, values, photometric=photometric, metadata=None, **options)


def dicom(
    path: Path,
    stored: np.ndarray,
    *,
    photometric: str = "MONOCHROME2",
    rescale: tuple[float, float] | None = None,
    modality: str = "CT",
    patient: str = "",
    window: tuple[float, float] | None = None,
) -> None:
    """Writes a DICOM file of nobody's: u16[H,W] or the frames u16[K,H,W], 12 bits of them used.

    Args:
      rescale: (slope, intercept).
      window: (center, width).
    """
    uid = pydicom.uid.generate_uid(entropy_srcs=[str(path), modality])
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
    data.Modality, data.PatientID, data.PatientName = modality, patient, "Nobody^Drawn"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, photometric
    data.Rows, data.Columns = stored.shape[-2:]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    if stored.ndim == 3:
        data.NumberOfFrames = len(stored)
    if rescale:
        data.RescaleSlope, data.RescaleIntercept = rescale
    if window:
        data.WindowCenter, data.WindowWidth = window
    data.PixelData = stored.astype("<u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def nifti(path: Path, slices: np.ndarray) -> None:
    """Writes a volume i16[K,H,W] whose K slices are axial, anterior up, the patient's left left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # NIfTI's axes go to the right, to anterior and to superior; rows of an image go down.
    volume = np.transpose(slices, (2, 1, 0))[:, ::-1]
    nibabel.save(nibabel.Nifti1Image(volume.astype(np.int16), np.eye(4)), path)


def volume(seed: int, depth: int, spot: bool = False) -> np.ndarray:
    """Draws the slices f64[depth,H,W] of one head."""
    return np.stack([picture(100 * seed + k, spot) for k in range(depth)])
