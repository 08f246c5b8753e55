"""Files: formats, damage, sizes, colour, copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from tests.data.cases.case import DARKEST, Case, Found, Grey
from tests.data.cases.drawing import (
    CLASSES,
    MARK,
    classes,
    image,
    marked,
    picture,
    tiff,
    u8,
    u16,
)
from tests.data.cases.folders import SIX

TWELVE = {"benign": 12, "malignant": 12}
_HTML = b"<!DOCTYPE html><title>403 Forbidden</title>"
_ORIENTATION = 0x0112


def _endings(root: Path) -> None:
    for ending in (".PNG", ".jpg", ".JPEG", ".jfif", ".webp", ".bmp"):
        classes(root, count=1, ending=ending)


def _wrong_endings(root: Path) -> None:
    classes(root, lambda path, drawn: Image.fromarray(u8(drawn)).save(path, "PNG"), ending=".jpg")


def _modes(root: Path) -> None:
    """Palette, 1 bit, transparency, CMYK, grey with transparency: black is black, white white."""

    def save(path: Path, drawn: np.ndarray) -> None:
        grey = Image.fromarray(u8(drawn))
        solid = Image.fromarray(u8(drawn > 0))
        made = {
            "00": grey.convert("P"),
            "01": grey.convert("1"),
            "02": Image.merge("RGBA", [grey, grey, grey, solid]),
            "03": Image.merge("LA", [grey, solid]),
            "04": grey.convert("RGB"),
            "05": grey.convert("RGB").convert("CMYK"),
        }[path.stem]
        made.save(path.with_suffix(".tif") if made.mode == "CMYK" else path)

    classes(root, save)


def _turned(root: Path) -> None:
    """Stored turned by a quarter, with a note in EXIF, as cameras do it."""

    def save(path: Path, drawn: np.ndarray) -> None:
        pixels = u8(drawn)
        pixels[:4] = 0
        pixels[:4, 12:] = 200  # above, on the right
        exif = Image.Exif()
        exif[_ORIENTATION] = 6
        # To be shown, it is turned by 90 degrees clockwise.
        Image.fromarray(np.rot90(pixels)).save(path, exif=exif)

    classes(root, save)


def _damaged_exif(root: Path) -> None:
    def save(path: Path, drawn: np.ndarray) -> None:
        Image.fromarray(u8(drawn)).save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

    classes(root, save, ending=".jpg")


def _long_text(root: Path) -> None:
    def save(path: Path, drawn: np.ndarray) -> None:
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", "x" * (2 << 20), zip=True)
        Image.fromarray(u8(drawn)).save(path, pnginfo=info)

    classes(root, save)


def _damaged(*files: str, count: int = 12) -> Callable[[Path], None]:
    """Cuts files off, or puts the page of a failed download in their place, in turns."""

    def draw(root: Path) -> None:
        classes(root, names=("common", "rare"), count=count, ending=".jpg")
        for i, file in enumerate(files):
            content = (root / file).read_bytes()
            (root / file).write_bytes(content[: len(content) // 2] if i % 2 else _HTML)

    return draw


def _slides(count: int) -> Callable[[Path], None]:
    def draw(root: Path) -> None:
        classes(root, count=12 - count)
        for label, name in enumerate(CLASSES):
            for i in range(count):
                drawn = picture(500 + 100 * label + i, label > 0, 60, 60)
                image(root / name / f"slide{i}.png", drawn)

    return draw


def _not_finite(root: Path) -> None:
    def save(path: Path, drawn: np.ndarray) -> None:
        tiff(path, np.where(drawn == 0, np.nan, drawn).astype(np.float32))

    classes(root, save, ending=".tif")


def _two_channels(root: Path) -> None:
    classes(
        root,
        lambda path, drawn: tiff(path, np.stack([u16(drawn)] * 2, -1), planarconfig="contig"),
        ending=".tif",
    )


def _marked(root: Path) -> None:
    classes(root, lambda path, drawn: image(path, marked(drawn, 100 / 255)))


_DARKEST = Grey("", 0, at=DARKEST)
_WHITE = Grey("", 255)

FILES = (
    Case(
        "eight_bits",
        "8-bit grey",
        _marked,
        Found(SIX, greys=(Grey("", 100, at=MARK, tolerance=0), _WHITE)),
        how="grey levels stay as they are",
    ),
    Case("endings", "PNG, JPEG, WebP, BMP and all else that Pillow reads", _endings, Found(SIX)),
    Case(
        "wrong_endings",
        "Endings that do not fit the content",
        _wrong_endings,
        Found(SIX),
        how="the content counts",
    ),
    Case(
        "modes",
        "Palettes, 1 bit, CMYK, grey or colours with transparency",
        _modes,
        Found(SIX, greys=(_DARKEST, _WHITE)),
        how="what is transparent becomes black",
    ),
    Case(
        "turned",
        "Photographs that are stored turned (EXIF)",
        _turned,
        Found(SIX, greys=(Grey("", 200, at=(1, 20), tolerance=0),)),
        how="turned upright",
    ),
    Case("damaged_exif", "A damaged EXIF block", _damaged_exif, Found(SIX)),
    Case("long_text", "PNGs with a long text (ImageJ, slide scanners)", _long_text, Found(SIX)),
    Case(
        "damaged",
        "A few damaged files: 10 % of a class, but no more than five files or 1 %",
        _damaged("common/03.jpg"),
        Found({"common": 11, "rare": 12}, {"unreadable": 1}),
        how="named with the reason",
    ),
    Case(
        "damaged_class",
        "More damaged files than that in one class",
        _damaged(*(f"rare/0{i}.jpg" for i in range(4)), count=10),
        Found({"common": 10, "rare": 6}, {"matches data.exclude": 4}),
        refused=r"4 of the 10 images of class rare can't be read.*rare/00.jpg: .*rare/03.jpg: ",
        then={"data.exclude": "rare/0[0-3].jpg"},
        how="mend them, or leave them out",
    ),
    Case(
        "slides",
        "Images with more pixels than `data.max_pixels`, as few as damaged ones may be",
        _slides(1),
        Found({"benign": 11, "malignant": 11}, {"unreadable": 2}),
        flags={"data.max_pixels": 1000},
    ),
    Case(
        "many_slides",
        "More such images",
        _slides(4),
        Found(TWELVE),
        flags={"data.max_pixels": 1000},
        refused=r"4 of the 12 images of class benign.*slide0.png.*pixels",
        then={"data.max_pixels": 3600},
        how="if there is memory for them",
    ),
    Case(
        "not_finite",
        "Float TIFFs with NaN outside the body",
        _not_finite,
        refused="values that are not finite",
        how="set them to the value of air",
    ),
    Case(
        "two_channels",
        "16-bit TIFFs of two channels",
        _two_channels,
        refused="no readable image in class benign",
        how="save the channel that is wanted",
    ),
)
