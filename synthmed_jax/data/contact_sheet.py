"""Contact sheets: some images of each class in one picture, for a person to look at."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.png import encode_png
from synthmed_jax.files import write_bytes, write_text
from synthmed_jax.printable import printable

COLUMNS = 8
ROWS = 5
_SIDE = 112  # of an image on the sheet, pixels
_CAPTION = 14  # height of the number below it, pixels
_GAP = 4
_NAME = re.compile(r"class\d+")  # of a sheet's files


def draw_all(images: ImageSet, folder: Path) -> list[Path]:
    """Writes `class<number>.png` for every class, and `class<number>.txt` with its files' names.

    Classes have numbers, since their names may hold what no file system takes; they count from 1,
    in the order of the labels. Sheets that lie there, of classes that may be gone, are removed.
    Returns the pictures' paths.
    """
    for old in [*folder.glob("class*.png"), *folder.glob("class*.txt")]:
        if _NAME.fullmatch(old.stem):
            old.unlink()
    paths = []
    for label, name in enumerate(images.class_names):
        indices = choose(np.flatnonzero(images.labels == label), COLUMNS * ROWS)
        path = folder / f"class{label + 1}.png"
        write_bytes(path, encode_png(draw(np.asarray(images.images[indices]))))
        listed = (
            f"{number}\t{printable(images.files[i])}\n" for number, i in enumerate(indices, start=1)
        )
        write_text(path.with_suffix(".txt"), f"class\t{name}\n" + "".join(listed))
        paths.append(path)
    return paths


def choose(indices: np.ndarray, most: int) -> np.ndarray:
    """Returns at most `most` of i64[N], evenly spaced, the first and the last among them."""
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).round().astype(np.int64)]


def draw(images: np.ndarray) -> np.ndarray:
    """Draws u8[N,S,S,C] side by side, each with its number from 1 below it; returns u8[H,W,3]."""
    rows = -(-len(images) // COLUMNS)
    step = (_SIDE + _GAP, _SIDE + _CAPTION + _GAP)
    sheet = Image.new("RGB", (COLUMNS * step[0] + _GAP, rows * step[1] + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for position, pixels in enumerate(images):
        row, column = divmod(position, COLUMNS)
        corner = (_GAP + column * step[0], _GAP + row * step[1])
        picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        # Pixels stay visible as squares: what is small is not made to look sharp.
        sheet.paste(picture.resize((_SIDE, _SIDE), Image.Resampling.NEAREST), corner)
        pen.text((corner[0], corner[1] + _SIDE), str(position + 1), fill="black")
    return np.asarray(sheet)
