"""DICOM files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom

from tests.data.cases.case import Case, Found, Grey
from tests.data.cases.drawing import AIR, MARK, classes, dicom, hounsfield, marked, u16
from tests.data.cases.folders import SIX
from tests.data.cases.stacks import STACK, files_of, slices_of

# What a CT stores: Hounsfield units plus 1024.
_CT = (1, -1024)


def _ct(path: Path, drawn: np.ndarray, **options: object) -> None:
    stored = marked(hounsfield(drawn), 200) + 1024
    dicom(path, stored.astype(np.uint16), rescale=_CT, **options)


def _ct_without_ending(root: Path) -> None:
    classes(root, _ct, ending="")
    (root / "benign" / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")


def _others(root: Path) -> None:
    """More files without an image than files that may be damaged."""
    classes(root, _ct, ending=".dcm")
    for i, uid in enumerate(
        (
            pydicom.uid.RTStructureSetStorage,
            pydicom.uid.BasicTextSRStorage,
            pydicom.uid.GrayscaleSoftcopyPresentationStateStorage,
            pydicom.uid.KeyObjectSelectionDocumentStorage,
            pydicom.uid.RTDoseStorage,
        )
    ):
        path = root / "benign" / f"other{i}.dcm"
        dicom(path, np.zeros((2, 2)))
        data = pydicom.dcmread(path)
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = uid
        del data.PixelData
        data.save_as(path)


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


def _radiographs_of_two_vendors(root: Path) -> None:
    """12 bits, of which only 0 to 3200 are used; one vendor, and so one class, inverts them."""

    def inverted(path: Path, drawn: np.ndarray) -> None:
        stored = 4095 - u16(marked(drawn, 0.5), 3200)
        dicom(path, stored, photometric="MONOCHROME1", modality="DX")

    def plain(path: Path, drawn: np.ndarray) -> None:
        dicom(path, u16(marked(drawn, 0.5), 3200), modality="DX")

    classes(root, inverted, names=("benign",), ending=".dcm")
    classes(root, plain, names=("malignant",), ending=".dcm", first=50)


def _multi_frame(path: Path, _: np.ndarray) -> None:
    dicom(path, slices_of(path).astype(np.uint16), modality="US")


def _own_windows(path: Path, drawn: np.ndarray) -> None:
    """Each file has a window of its own, 0 to 400 or 0 to 800."""
    factor = 1 + int(path.stem) % 2
    stored = u16(marked(drawn, 0.5), 400 * factor)
    dicom(path, stored, modality="MR", window=(200 * factor + 0.5, 400 * factor + 1))


def _ct_of_patients(path: Path, drawn: np.ndarray) -> None:
    _ct(path, drawn, patient=f"ID-{path.parent.name}{int(path.stem) // 2}")


def _ct_of_one(path: Path, drawn: np.ndarray) -> None:
    _ct(path, drawn, patient="anonymous")


def _mixed_modalities(root: Path) -> None:
    classes(root, _ct, names=("benign",), ending=".dcm")
    classes(root, _radiograph, names=("malignant",), ending=".dcm", first=50)


DICOM = (
    Case(
        "ct",
        "A folder of DICOM CTs",
        files_of(_ct, ".dcm"),
        Found(SIX, greys=(Grey("-1000 HU", 0, at=AIR), Grey("200 HU", 219, at=MARK, tolerance=2))),
        how="slope and intercept applied; one scale for all files, -1000 to 400",
    ),
    Case(
        "scanners",
        "the same from two scanners, with other slopes and intercepts",
        files_of(_scanners, ".dcm"),
        Found(SIX, greys=(Grey("200 HU in every file", 219, at=MARK, tolerance=2),)),
    ),
    Case(
        "ct_window",
        "the same, with the values that become black and white",
        files_of(_ct, ".dcm"),
        Found(SIX, greys=(Grey("200 HU", 230, at=MARK), Grey("240 HU and more", 255))),
        flags={"data.window": "-160,240"},
    ),
    Case(
        "own_windows",
        "DICOM files, each to be seen through its own window",
        files_of(_own_windows, ".dcm"),
        Found(SIX, greys=(Grey("the middle of the file's window", 128, at=MARK),)),
        flags={"data.window": "dicom"},
        how="the same value is then not the same grey in every file",
    ),
    Case(
        "window_of_no_dicom",
        "PNGs",
        classes,
        refused="'dicom' is for grey DICOM files, and there are none .benign: 6 8-bit;",
        flags={"data.window": "dicom"},
        how="leave it empty",
    ),
    Case(
        "without_ending",
        "DICOM files without ending, and a `DICOMDIR`",
        _ct_without_ending,
        Found(SIX, {"no image by its ending (no ending)": 1}),
    ),
    Case(
        "dicom_without_image",
        "Contours, reports, presentation states, key objects, doses without an image",
        _others,
        Found(SIX, {"holds no image": 5}),
        how="named with what they are",
    ),
    Case("dicom_png", "DICOM files that are named `.png`", files_of(_ct, ".png"), Found(SIX)),
    Case(
        "monochrome1",
        "X-rays in which the lowest value is white (MONOCHROME1)",
        files_of(_radiograph, ".dcm"),
        Found(SIX, greys=(Grey("air", 0, at=AIR), Grey("halfway", 128, at=MARK))),
        how="inverted",
    ),
    Case(
        "two_vendors",
        "X-rays of 12 bits up to 3200: one class MONOCHROME1, the other MONOCHROME2",
        _radiographs_of_two_vendors,
        Found(
            SIX, greys=(Grey("air", 0, at=AIR), Grey("halfway", 128, at=MARK), Grey("bone", 255))
        ),
        how="the inverted ones are turned over (4095 - v), then one scale for all files",
    ),
    Case(
        "multi_frame",
        "DICOM files with several frames",
        files_of(_multi_frame, ".dcm"),
        Found(SIX),
        refused=STACK,
        then={"data.slices": "middle"},
    ),
    Case(
        "dicom_patients",
        "DICOM files of several patients",
        files_of(_ct_of_patients, ".dcm"),
        Found(SIX, groups="6 groups, 2 images each"),
        flags={"split.group_by": "dicom:PatientID"},
        how="images of one patient stay on one side; what the field holds is written nowhere",
    ),
    Case(
        "dicom_patients_unheeded",
        "the same, and nothing is said of patients",
        files_of(_ct_of_patients, ".dcm"),
        Found(
            SIX,
            patients="6 patients, 2 images each, by the field PatientID",
            warning="one patient may lie on both sides.*--config.split.group_by=dicom:PatientID",
        ),
        how="the split knows no patients",
    ),
    Case(
        "dicom_of_one_patient",
        "DICOM files that all name the same patient, as some programs write that take names out",
        files_of(_ct_of_one, ".dcm"),
        Found(
            SIX,
            patients="1 patient, 12 images each, by the field PatientID, which tells nobody apart "
            "here",
        ),
    ),
    Case(
        "mixed_modalities",
        "CT in one class, X-rays in the other",
        _mixed_modalities,
        refused="kinds of files differ between classes.*DICOM CT.*DICOM DX",
        how="leave one kind out, or take other images",
    ),
)
