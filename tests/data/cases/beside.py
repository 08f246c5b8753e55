"""What lies beside the images and is none: masks, thumbnails, files of other programs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.data.cases.case import Case, Found
from tests.data.cases.drawing import classes, image, picture
from tests.data.cases.folders import SIX


def _busi(root: Path) -> None:
    """The layout of BUSI: `benign (1)_mask.png` beside `benign (1).png`, some with two masks."""
    for label, name in enumerate(("benign", "malignant", "normal")):
        for i in range(1, 6):
            drawn = picture(100 * label + i, spot=name != "normal")
            image(root / name / f"{name} ({i}).png", drawn)
            image(root / name / f"{name} ({i})_mask.png", (drawn > 0.8) & (drawn < 1))
            if i == 4 and name != "normal":
                image(root / name / f"{name} ({i})_mask_1.png", drawn > 0.85)


def _mask_of_a_case(root: Path) -> None:
    """A folder per patient with the image and its mask; both classes have the same numbers."""
    for label, name in enumerate(("benign", "malignant")):
        for i in range(1, 6):
            drawn = picture(100 * label + i, spot=label > 0)
            image(root / name / f"{i:03d}" / "image.png", drawn)
            image(root / name / f"{i:03d}" / "mask.png", drawn > 0.85)


def _mask_first(root: Path) -> None:
    for label, name in enumerate(("benign", "malignant")):
        for i in range(1, 6):
            drawn = picture(100 * label + i, spot=label > 0)
            image(root / name / f"image_p{i}.png", drawn)
            image(root / name / f"mask_p{i}.png", drawn > 0.85)
            image(root / name / f"image_p{i}_roi.png", drawn > 0.95)


def _covid_radiography(root: Path) -> None:
    for name in ("COVID", "Normal"):
        classes(root, names=[f"{name}/images"], count=5, first=10 * len(name))
        classes(
            root,
            lambda path, drawn: image(path, drawn > 0),
            names=[f"{name}/masks"],
            count=5,
            first=10 * len(name),
        )


def _thumbnails(root: Path) -> None:
    classes(root)
    for file in sorted(root.glob("*/*.png")):
        for size in ("S", "M"):
            place = file.parent / "@eaDir" / file.name
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place / f"SYNOPHOTO_THUMB_{size}.png")


def _of_the_desktop(root: Path) -> None:
    classes(root)
    classes(root, names=["benign/.ipynb_checkpoints"], count=2, first=50)
    (root / "__MACOSX").mkdir()
    for name in (".DS_Store", "Thumbs.db", "._00.png"):
        (root / "benign" / name).write_bytes(b"\0\5\26\7")


def _loose(root: Path) -> None:
    classes(root)
    classes(root, names=("",), count=4, first=50)


def _unknown_endings(root: Path) -> None:
    classes(root)
    for i in range(3):
        (root / "benign" / f"scan{i}.heic").write_bytes(b"ftypheic")
    (root / "malignant" / "notes.docx").write_bytes(b"PK\3\4")


BESIDE = (
    Case(
        "busi",
        "BUSI: masks beside the images, `benign (1)_mask.png`",
        _busi,
        Found({"benign": 5, "malignant": 5, "normal": 5}, {"matches data.exclude": 17}),
        refused=r"masks beside the images: benign 6 of 11, malignant 6 of 11, normal 5 of 10"
        r".*--config.data.exclude='\*_mask\*'.*--config.data.keep_masks=True",
        then={"data.exclude": "*_mask*"},
    ),
    Case(
        "keep_masks",
        "the same, and the masks are wanted as images",
        _busi,
        Found(
            {"benign": 11, "malignant": 11, "normal": 10}, warning="hardly any grey levels.*masks"
        ),
        flags={"data.keep_masks": True},
    ),
    Case(
        "mask_of_a_case",
        "A folder per patient with `image.png` and `mask.png`",
        _mask_of_a_case,
        Found({"benign": 5, "malignant": 5}, {"matches data.exclude": 10}),
        refused=r"masks beside the images.*such as benign/001/mask.png beside benign/001/image.png"
        r".*--config.data.exclude='mask\*'",
        then={"data.exclude": "mask*"},
    ),
    Case(
        "mask_first",
        "`mask_p1.png` and `image_p1_roi.png` beside `image_p1.png`",
        _mask_first,
        Found({"benign": 5, "malignant": 5}, {"matches data.exclude": 20}),
        refused=r"masks beside the images.*--config.data.exclude='\*_roi\*,mask_\*'",
        then={"data.exclude": "*_roi*,mask_*"},
    ),
    Case(
        "covid_radiography",
        "`COVID/images/` beside `COVID/masks/`, in every class",
        _covid_radiography,
        Found({"COVID": 5, "Normal": 5}, {"matches data.exclude": 10}),
        refused=r"masks.*--config.data.exclude='\*/masks/\*'.*--config.data.keep_masks=True",
        then={"data.exclude": "*/masks/*"},
    ),
    Case(
        "thumbnails",
        "Thumbnails of a NAS inside the classes (`@eaDir`, `.thumbnails`)",
        _thumbnails,
        Found(SIX, {"in a folder of the system (@eaDir)": 24}),
    ),
    Case(
        "of_the_desktop",
        "`.DS_Store`, `Thumbs.db`, `._x.png`, `.ipynb_checkpoints`, `__MACOSX`",
        _of_the_desktop,
        Found(SIX, {"a folder of the system": 1}),
        how="they do not count",
    ),
    Case(
        "loose",
        "Images beside the class folders",
        _loose,
        Found(SIX, {"lies beside the class folders": 4}),
    ),
    Case(
        "unknown_endings",
        "Files of other endings in a class",
        _unknown_endings,
        Found(
            SIX,
            {"no image by its ending (.heic)": 3, "no image by its ending (.docx)": 1},
        ),
    ),
    Case(
        "exclude",
        "Images that are not wanted",
        classes,
        Found({"benign": 4, "malignant": 5}, {"matches data.exclude": 3}),
        flags={"data.exclude": "00.png,benign/05*"},
    ),
)
