"""Several images in one file, NumPy's arrays, NIfTI volumes."""

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
    hounsfield,
    marked,
    nifti,
    tiff,
    u8,
    volume,
)
from tests.data.cases.folders import SIX

DEPTH = 6
TWELVE = {"benign": 12, "malignant": 12}
EIGHTEEN = {"benign": 18, "malignant": 18}
ALL = {"benign": 36, "malignant": 36}
STACK = r"stacks of several images in one file.*--config.data.slices=all, every:K"


def slices_of(path: Path) -> np.ndarray:
    """The slices u8[DEPTH,H,W] of one file; slice k is marked by a grey level of 100 + k."""
    seed, spot = int(path.stem.split(".")[0]), path.parent.name == "malignant"
    drawn = volume(seed + 50 * spot, DEPTH, spot)
    return np.stack([marked(u8(each), 100 + k) for k, each in enumerate(drawn)])


def _tiff(path: Path, _: np.ndarray) -> None:
    tiff(path, slices_of(path))


def _gif(path: Path, _: np.ndarray) -> None:
    first, *others = (Image.fromarray(each) for each in slices_of(path))
    first.save(path, save_all=True, append_images=others)


def files_of(save: Save, ending: str) -> Callable[[Path], None]:
    return lambda root: classes(root, save, ending=ending)


def _thumbnail_page(path: Path, drawn: np.ndarray) -> None:
    small = Image.fromarray(u8(drawn)).resize((8, 8))
    Image.fromarray(u8(drawn)).save(path, save_all=True, append_images=[small])


def _npz(path: Path, _: np.ndarray) -> None:
    np.savez(path, images=slices_of(path))


def _medmnist(root: Path) -> None:
    drawn = {part: volume(seed, 8) for seed, part in enumerate(("train", "val", "test"))}
    arrays = {f"{part}_images": u8(images) for part, images in drawn.items()}
    labels = {f"{part}_labels": np.arange(8)[:, None] % 2 for part in drawn}
    np.savez(root / "breastmnist.npz", **arrays, **labels)


def _nifti(path: Path, _: np.ndarray) -> None:
    # Brightness of Hounsfield units; the mark of slice k is 100 + 10 k.
    drawn = np.stack([hounsfield(each / 255) for each in slices_of(path)])
    nifti(path, np.stack([marked(each, 100 + 10 * k) for k, each in enumerate(drawn)]))


def _torn_medmnist(root: Path) -> None:
    _medmnist(root)
    arrays = dict(np.load(root / "breastmnist.npz"))
    arrays["val_images"][1] = arrays["train_images"][0]
    np.savez(root / "breastmnist.npz", **arrays)


_MIDDLE = Grey("", 103, at=MARK, tolerance=0)

STACKS = (
    Case(
        "tiff_pages",
        "TIFFs with several pages",
        files_of(_tiff, ".tif"),
        Found(EIGHTEEN, greys=(Grey("", 101, "benign/00.tif#0001", MARK, 0),)),
        refused=STACK,
        then={"data.slices": "every:2"},
        how="all slices of a file stay on one side of the split",
    ),
    Case(
        "axis_of_pages",
        "the same, along another axis, as if they were volumes",
        files_of(_tiff, ".tif"),
        Found(EIGHTEEN),
        refused=r"the images of benign/00.tif \(TIFF\) lie along one only",
        flags={"data.slices": "every:2:1"},
        then={"data.slices": "every:2"},
    ),
    Case(
        "gif_frames",
        "GIFs with several frames",
        files_of(_gif, ".gif"),
        Found(ALL),
        refused=STACK,
        then={"data.slices": "all"},
    ),
    Case(
        "middle",
        "TIFFs with several pages, one image of each file",
        files_of(_tiff, ".tif"),
        Found(SIX, greys=(_MIDDLE,)),
        flags={"data.slices": "middle"},
    ),
    Case(
        "first",
        "GIFs with several frames, the first of each file",
        files_of(_gif, ".gif"),
        Found(SIX, greys=(Grey("", 100, at=MARK, tolerance=0),)),
        flags={"data.slices": "first"},
    ),
    Case(
        "thumbnail_page",
        "TIFFs whose other pages are smaller copies",
        files_of(_thumbnail_page, ".tif"),
        Found(SIX),
        how="they are no stacks: pages of another size do not count",
    ),
    Case(
        "npy",
        "`.npy` with one image, floats from 0 to 1",
        files_of(lambda path, drawn: np.save(path, marked(drawn, 0.5)), ".npy"),
        Found(SIX, greys=(Grey("0.5", 128, at=MARK), Grey("air", 0, at=AIR))),
        how="0 to 1",
    ),
    Case(
        "npz",
        "`.npz` with one array of several images",
        files_of(_npz, ".npz"),
        Found(TWELVE),
        refused=STACK,
        then={"data.slices": "every:3"},
    ),
    Case(
        "medmnist",
        "MedMNIST's `.npz`",
        _medmnist,
        Found({"0": 12, "1": 12}, greys=(Grey("", 0, at=AIR), Grey("", 255))),
        flags={"data.name": "medmnist"},
        how="all parts of it together",
    ),
    Case(
        "medmnist_as_folder",
        "the same, taken for a folder of class folders",
        _medmnist,
        Found({"0": 12, "1": 12}),
        refused=r"breastmnist.npz: images and labels in one file.*--config.data.name=medmnist",
        then={"data.name": "medmnist"},
    ),
    Case(
        "medmnist_two_labels",
        "the same, and one image has two labels",
        _torn_medmnist,
        Found(
            {"0": 11, "1": 11}, {"the same content under another label (data.conflicts=drop)": 2}
        ),
        flags={"data.name": "medmnist"},
        refused=r"breastmnist.npz: 1 image under two labels.*train/0/000000.png .*val/1/000001.png",
        then={"data.conflicts": "drop"},
    ),
    Case(
        "nifti",
        "NIfTI volumes (`.nii`, `.nii.gz`)",
        files_of(_nifti, ".nii.gz"),
        Found(
            EIGHTEEN,
            greys=(
                Grey("-1000 HU", 0, at=AIR),
                Grey("110 HU in slice 1", 202, "benign/00.nii.gz#0001", MARK, 2),
                Grey("400 HU", 255),
            ),
        ),
        refused=STACK,
        then={"data.slices": "every:2"},
        how="axial slices, one scale for all volumes, -1000 to 400",
    ),
    Case(
        "nifti_axis",
        "the same, along another axis (0 sagittal, 1 coronal, 2 axial)",
        files_of(_nifti, ".nii.gz"),
        Found(TWELVE),
        flags={"data.slices": "every:12:1"},
    ),
)
