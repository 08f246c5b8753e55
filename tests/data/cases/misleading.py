"""Images that can be read and may still mislead: sizes, colours, copies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.cases.case import Case, Found, Grey
from tests.data.cases.drawing import AIR, CLASSES, classes, image, picture
from tests.data.cases.folders import SIX


def _tiny(root: Path) -> None:
    classes(root)
    for name, value in (("benign", 0.2), ("malignant", 0.3)):
        image(root / name / "dot.png", np.full((1, 1), value))
        image(root / name / "line.png", np.linspace(0, value, 500)[:, None])


def _panoramas(root: Path) -> None:
    classes(root, names=("benign",))
    for i in range(6):
        image(root / "malignant" / f"{i}.png", picture(i, True, 24, 72))


def _coloured(*names: str) -> Callable[[Path], None]:
    def draw(root: Path) -> None:
        classes(root)
        for name in names:
            for file in sorted((root / name).glob("*.png")):
                red = np.asarray(Image.open(file))
                Image.fromarray(np.stack([red, red // 2, red // 4], -1)).save(file)

    return draw


def _copies(root: Path) -> None:
    classes(root)
    for file in sorted((root / "benign").glob("*.png")):
        shutil.copy(file, file.with_stem(f"copy of {file.stem}"))


def _torn(root: Path) -> None:
    """Three images of benign lie in malignant as well."""
    classes(root)
    for i in range(3):
        shutil.copy(root / "benign" / f"0{i}.png", root / "malignant" / f"also_0{i}.png")


_TORN = r"3 images under two labels.*--config.data.conflicts=drop.*--config.data.conflicts=keep"


_DROPPED = "the same content under another label (data.conflicts=drop)"


MISLEADING = (
    Case(
        "tiny",
        "Images of a few pixels",
        _tiny,
        Found({"benign": 8, "malignant": 8}, warning="4 images have a side below a quarter"),
    ),
    Case(
        "panoramas",
        "One class of panoramas, one of square images",
        _panoramas,
        Found(SIX, warning="black borders differ between classes.*--config.data.square=crop"),
        how="`--config.data.square=crop` adds no border",
    ),
    Case(
        "colour_in_one_class",
        "Colour in one class only",
        _coloured("malignant"),
        Found(SIX, warning="colour differs between classes: benign 0 %, malignant 100 %"),
    ),
    Case(
        "colours",
        "Colours, and `data.channels` is 1",
        _coloured(*CLASSES),
        Found(SIX, warning="--config.data.channels=3 keeps them", greys=(Grey("air", 0, at=AIR),)),
        how="made grey; `--config.data.channels=3` keeps them",
    ),
    Case(
        "copies",
        "The same file twice in a class",
        _copies,
        Found({"benign": 12, "malignant": 6}),
        how="counted, in each class and across the parts of the split",
    ),
    Case(
        "two_labels_dropped",
        "The same file in two classes",
        _torn,
        Found({"benign": 3, "malignant": 6}, {_DROPPED: 6}),
        refused=_TORN,
        then={"data.conflicts": "drop"},
    ),
    Case(
        "two_labels_kept",
        "the same, and both labels are right",
        _torn,
        Found({"benign": 6, "malignant": 9}),
        refused=_TORN,
        then={"data.conflicts": "keep"},
    ),
)
