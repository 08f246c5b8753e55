"""Several images in one file, NumPy's arrays, NIfTI volumes, DICOM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.cases.case import Case, Found, Grey
from tests.data.cases.drawing import (
    AIR,
    MARK,
    Save,
    classes,
    dicom,
    hounsfield,
    marked,
    nifti,
    tiff,
    u8,
    u16,
    volume,
)
from tests.data.cases.folders import SIX

DEPTH = 6
TWELVE = {"benign": 12, "malignant": 12}
EIGHTEEN = {"benign": 18, "malignant": 18}
ALL = {"benign": 36, "malignant": 36}
_REFUSED = r"stacks of several images in one file.*--config.data.slices=all, every:K"
# What a CT stores: Hounsfield units plus 1024.
_CT = (1, -1024)


def _slices(path: Path) -> np.ndarray:
    """The slices u8[DEPTH,H,W] of one file; slice k is marked by a grey level of 100 + k."""
    seed, spot = int(path.stem.split(".")[0]), path.parent.name == "malignant"
    drawn = volume(seed + 50 * spot, DEPTH, spot)
    return np.stack([marked(u8(each), 100 + k) for k, each in enumerate(drawn)])


def _tiff(path: Path, _: np.ndarray) -> None:
    tiff(path, _slices(path))


def _gif(path: Path, _: np.ndarray) -> None:
    first, *others = (Image.fromarray(each) for each in _slices(path))
    first.save(path, save_all=True, append_images=others)


def _files(save: Save, ending: str) -> Callable[[Path], None]:
    return lambda root: classes(root, save, ending=ending)


def _thumbnail_page(path: Path, drawn: np.ndarray) -> None:
    small = Image.fromarray(u8(drawn)).resize((8, 8))
    Image.fromarray(u8(drawn)).save(path, save_all=True, append_images=[small])


def _npz(path: Path, _: np.ndarray) -> None:
    np.savez(path, images=_slices(path))


def _nifti(path: Path, _: np.ndarray) -> None:
    # Brightness of Hounsfield units; the mark of slice k is 100 + 10 k.
    drawn = np.stack([hounsfield(each / 255) for each in _slices(path)])
    nifti(path, np.stack([marked(each, 100 + 10 * k) for k, each in enumerate(drawn)]))


def _ct(path: Path, drawn: np.ndarray, **options: object) -> None:
    stored = marked(hounsfield(drawn), 200) + 1024
    dicom(path, stored.astype(np.uint16), rescale=_CT, **options)


def _ct_without_ending(root: Path) -> None:
    classes(root, _ct, ending="")
    (root / "benign" / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")


def _scanners(path: Path, drawn: np.ndarray) -> None:
    """Two scanners that store the same Hounsfield units by another slope and intercept."""
    values = marked(hounsfield(drawn), 200)
    if int(path.stem) % 2:
        dicom(path, ((values + 1024) * 2).astype(np.uint16), rescale=(0.5, -1024))
    else:
        dicom(path, (values + 1000).astype(np.uint16), rescale=(1, -1000))


def _radiograph(path: Path, drawn: np.ndarray) -> None:
    stored = 4095 - u16(marked(drawn, 0.5), 4095)
    dicom(path, stored, photometric="MONOCHROME1", modality="DX")


def _multi_frame(path: Path, _: np.ndarray) -> None:
    dicom(path, _slices(path).astype(np.uint16), modality="US")


def _own_windows(path: Path, drawn: np.ndarray) -> None:
    """Each file has a window of its own, 0 to 400 or 0 to 800, and twice the values fit in."""
    factor = 1 + int(path.stem) % 2
    stored = u16(marked(drawn, 0.5), 400 * factor)
    dicom(path, stored, modality="MR", window=(200 * factor + 0.5, 400 * factor + 1))


def _ct_of_patients(path: Path, drawn: np.ndarray) -> None:
    _ct(path, drawn, patient=f"{path.parent.name}{int(path.stem) // 2}")


def _mixed_modalities(root: Path) -> None:
    classes(root, _ct, names=("benign",), ending=".dcm")
    classes(root, _radiograph, names=("malignant",), ending=".dcm", first=50)


_MIDDLE = Grey("the slice in the middle", 103, at=MARK, tolerance=0)

STACKS = (
    Case(
        "tiff_pages",
        "TIFFs with several pages",
        _files(_tiff, ".tif"),
        Found(EIGHTEEN, greys=(Grey("slice 1", 101, "benign/00.tif#0001", MARK, 0),)),
        refused=_REFUSED,
        then={"data.slices": "every:2"},
        how="every second slice; all slices of a file stay on one side of the split",
    ),
    Case(
        "gif_frames",
        "GIFs with several frames",
        _files(_gif, ".gif"),
        Found(ALL),
        refused=_REFUSED,
        then={"data.slices": "all"},
    ),
    Case(
        "middle",
        "the same, one image of each file",
        _files(_tiff, ".tif"),
        Found(SIX, greys=(_MIDDLE,)),
        flags={"data.slices": "middle"},
    ),
    Case(
        "first",
        "the same, the first image of each file",
        _files(_gif, ".gif"),
        Found(SIX, greys=(Grey("the first frame", 100, at=MARK, tolerance=0),)),
        flags={"data.slices": "first"},
    ),
    Case(
        "thumbnail_page",
        "TIFFs whose other pages are smaller copies",
        _files(_thumbnail_page, ".tif"),
        Found(SIX),
        how="they are no stacks: pages of another size do not count",
    ),
    Case(
        "npy",
        "`.npy` with one image, floats from 0 to 1",
        _files(lambda path, drawn: np.save(path, marked(drawn, 0.5)), ".npy"),
        Found(SIX, greys=(Grey("0.5", 128, at=MARK), Grey("air", 0, at=AIR))),
        how="0 to 1",
    ),
    Case(
        "npz",
        "`.npz` with one array of several images",
        _files(_npz, ".npz"),
        Found(TWELVE),
        refused=_REFUSED,
        then={"data.slices": "every:3"},
    ),
    Case(
        "nifti",
        "NIfTI volumes (`.nii`, `.nii.gz`)",
        _files(_nifti, ".nii.gz"),
        Found(
            EIGHTEEN,
            greys=(
                Grey("-1000 HU", 0, at=AIR),
                Grey("110 HU in slice 1", 202, "benign/00.nii.gz#0001", MARK, 2),
                Grey("400 HU", 255),
            ),
        ),
        refused=_REFUSED,
        then={"data.slices": "every:2"},
        how="axial slices, one scale for all volumes, -1000 to 400",
    ),
    Case(
        "nifti_axis",
        "the same, along another axis (0 sagittal, 1 coronal, 2 axial)",
        _files(_nifti, ".nii.gz"),
        Found(TWELVE),
        flags={"data.slices": "every:12:1"},
    ),
)

DICOM = (
    Case(
        "ct",
        "A folder of DICOM CTs",
        _files(_ct, ".dcm"),
        Found(SIX, greys=(Grey("-1000 HU", 0, at=AIR), Grey("200 HU", 219, at=MARK, tolerance=2))),
        how="slope and intercept applied; one scale for all files, -1000 to 400",
    ),
    Case(
        "scanners",
        "the same from two scanners, with other slopes and intercepts",
        _files(_scanners, ".dcm"),
        Found(SIX, greys=(Grey("200 HU in every file", 219, at=MARK, tolerance=2),)),
    ),
    Case(
        "ct_window",
        "the same, with the values that become black and white",
        _files(_ct, ".dcm"),
        Found(SIX, greys=(Grey("200 HU", 230, at=MARK), Grey("240 HU and more", 255))),
        flags={"data.window": "-160,240"},
    ),
    Case(
        "own_windows",
        "DICOM files, each to be seen through its own window",
        _files(_own_windows, ".dcm"),
        Found(SIX, greys=(Grey("the middle of the file's window", 128, at=MARK),)),
        flags={"data.window": "dicom"},
        how="the same value is then not the same grey in every file",
    ),
    Case(
        "without_ending",
        "DICOM files without ending, and a `DICOMDIR`",
        _ct_without_ending,
        Found(SIX, {"no image by its ending (no ending)": 1}),
    ),
    Case("dicom_png", "DICOM files that are named `.png`", _files(_ct, ".png"), Found(SIX)),
    Case(
        "monochrome1",
        "X-rays in which the lowest value is white (MONOCHROME1)",
        _files(_radiograph, ".dcm"),
        Found(SIX, greys=(Grey("air", 0, at=AIR), Grey("half of it", 128, at=MARK))),
        how="inverted",
    ),
    Case(
        "multi_frame",
        "DICOM files with several frames",
        _files(_multi_frame, ".dcm"),
        Found(SIX),
        refused=_REFUSED,
        then={"data.slices": "middle"},
    ),
    Case(
        "dicom_patients",
        "DICOM files of several patients",
        _files(_ct_of_patients, ".dcm"),
        Found(SIX),
        flags={"split.group_by": "dicom:PatientID"},
        how="images of one patient stay on one side; what the field holds is written nowhere",
    ),
    Case(
        "mixed_modalities",
        "CT in one class, X-rays in the other",
        _mixed_modalities,
        refused="kinds of files differ between classes.*DICOM CT.*DICOM DX",
    ),
)
