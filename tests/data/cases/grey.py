"""Grey scale: files of more than 8 bits, floats, and what their values become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.cases.case import BRIGHTEST, DARKEST, Case, Found, Grey
from tests.data.cases.drawing import (
    AIR,
    CLASSES,
    MARK,
    array,
    classes,
    hounsfield,
    image,
    marked,
    picture,
    tiff,
    u8,
    u16,
)
from tests.data.cases.folders import SIX


def _sixteen(top: int, mark: int) -> Callable[[Path], None]:
    """16-bit PNGs with values from 0 to `top`, and one of `mark` in the middle."""

    def draw(root: Path) -> None:
        classes(root, lambda path, drawn: array(path, u16(marked(drawn, mark / top), top)))

    return draw


def _burned_in(root: Path) -> None:
    """12 bits in 16; in one image somebody has marked the side in white."""

    def save(path: Path, drawn: np.ndarray) -> None:
        values = u16(drawn, 4095)
        if path.stem == "00":
            values[0, 20:] = 65535
        array(path, values)

    classes(root, save, count=12)


def _different_depths(root: Path) -> None:
    classes(root, lambda path, drawn: array(path, u16(drawn, 4095)), names=("hospital_a",))
    classes(root, names=("hospital_b",), first=50)


def _twelve_bit_pgm(root: Path) -> None:
    def save(path: Path, drawn: np.ndarray) -> None:
        height, width = drawn.shape
        pixels = u16(drawn, 4095).astype(">u2").tobytes()
        path.write_bytes(b"P5 %d %d 4095\n" % (width, height) + pixels)

    classes(root, save, ending=".pgm")


def _compressed(root: Path) -> None:
    def save(path: Path, drawn: np.ndarray) -> None:
        values = u16(marked(drawn, 0.5))
        tiff(path, values, byteorder=">", compression="zlib")

    classes(root, save, ending=".tif")


def _hounsfield(root: Path) -> None:
    """Signed 16 bits: every third file is cropped to tissue, every third has a bit of metal."""

    def save(path: Path, drawn: np.ndarray) -> None:
        values = marked(hounsfield(drawn), 200)
        number = int(path.stem) % 3
        if number == 0:
            values = np.maximum(values, 0)
        if number == 1:
            values[2, 12] = 3071
        tiff(path, values.astype(np.int16))

    classes(root, save, count=9, ending=".tif")


def _fractions(root: Path) -> None:
    """Floats from 0 to 1; every second maximum is a little higher, as after interpolation."""

    def save(path: Path, drawn: np.ndarray) -> None:
        values = marked(drawn, 0.5).astype(np.float32)
        if int(path.stem) % 2:
            values[MARK[0], 2] = 1.0003
        tiff(path, values)

    classes(root, save, ending=".tif")


def _nearly_empty(root: Path) -> None:
    """Floats from 0 to 4095; every fourth slice lies outside the body and is noise."""

    def save(path: Path, drawn: np.ndarray) -> None:
        values = drawn * 4095
        if int(path.stem) % 4 == 3:
            noise = np.random.default_rng(int(path.stem) + len(path.parent.name))
            values = noise.uniform(-0.4, 0.4, drawn.shape)
        tiff(path, values.astype(np.float32))

    classes(root, save, count=8, ending=".tif")


def _white_is_zero(root: Path) -> None:
    """The same picture as 8-bit and 16-bit TIFF, both with white as the lowest value."""
    for label, name in enumerate(CLASSES):
        for i in range(4):
            drawn = marked(picture(10 * label + i, label > 0), 0.5)
            tiff(root / name / f"{i}_8.tif", 255 - u8(drawn), white_is_zero=True)
            tiff(root / name / f"{i}_16.tif", 65535 - u16(drawn), white_is_zero=True)


def _half_white_is_zero(root: Path) -> None:
    """16 bits that do not reach the whole range; in every second file the lowest value is white."""

    def save(path: Path, drawn: np.ndarray) -> None:
        values = u16(marked(drawn, 0.5), 30000)
        white_is_zero = int(path.stem) % 2 == 1
        tiff(path, 65535 - values if white_is_zero else values, white_is_zero=white_is_zero)

    classes(root, save, ending=".tif")


def _window_that_fits_nothing(root: Path) -> None:
    classes(root, lambda path, drawn: tiff(path, hounsfield(drawn).astype(np.int16)), ending=".tif")


def _of_type(dtype: type, low: float, high: float) -> Callable[[Path], None]:
    """TIFFs of one type, air at `low`, bone at `high`, and the middle of both at MARK."""

    def save(path: Path, drawn: np.ndarray) -> None:
        values = low + marked(drawn, 0.5) * (high - low)
        tiff(path, (values if dtype in (np.float16, np.float64) else np.rint(values)).astype(dtype))

    return lambda root: classes(root, save, ending=".tif")


def _dark(root: Path) -> None:
    """8 bits, but only 0 to 19 of them are used."""
    classes(
        root, lambda path, drawn: Image.fromarray(np.rint(drawn * 19).astype(np.uint8)).save(path)
    )


def _black_class(root: Path) -> None:
    classes(root, names=("benign",))
    classes(root, lambda path, drawn: image(path, drawn * 0), names=("malignant",), first=50)


_AIR = Grey("air", 0, at=AIR)
_HALF = Grey("halfway", 128, at=MARK)

GREY = (
    Case(
        "full_range",
        "16-bit, the whole range",
        _sixteen(65535, 25700),
        Found(SIX, greys=(Grey("25700", 100, at=MARK, tolerance=0), Grey("65535", 255))),
        how="0 to 65535",
    ),
    Case(
        "twelve_bits",
        "16-bit files with values of 12 bits",
        _sixteen(4095, 1606),
        Found(SIX, greys=(Grey("1606", 100, at=MARK), Grey("4095", 255))),
        how="0 to 4095",
    ),
    Case(
        "burned_in",
        "the same, and one image with a burned-in mark of 65535",
        _burned_in,
        Found(
            {"benign": 12, "malignant": 12},
            greys=(Grey("4095", 255, "malignant/05.png"), _AIR),
        ),
        how="0 to 4095; the mark is an outlier",
    ),
    Case(
        "nine_thousand",
        "16-bit MRI with values from 0 to 9000",
        _sixteen(9000, 4500),
        Found(SIX, greys=(Grey("4500", 128, at=MARK), Grey("9000", 255, tolerance=2))),
        how="0 to 9000",
    ),
    Case(
        "pgm",
        "12-bit PGM",
        _twelve_bit_pgm,
        Found(SIX, greys=(Grey("4095", 255), _AIR)),
    ),
    Case(
        "compressed",
        "Compressed TIFFs, big-endian TIFFs",
        _compressed,
        Found(SIX, greys=(Grey("32768", 128, at=MARK), _AIR)),
    ),
    Case(
        "hounsfield",
        "Hounsfield units in signed 16-bit TIFFs: slices with air at -1000, slices cropped to "
        "tissue, a bit of metal at 3071",
        _hounsfield,
        Found(
            {"benign": 9, "malignant": 9},
            greys=(
                Grey("200 HU in every file", 219, at=MARK, tolerance=2),
                Grey("air", 0, "benign/02.tif", AIR),
                Grey("the metal", 255, "benign/01.tif"),
            ),
        ),
        how="one scale for all files, -1000 to 400",
    ),
    Case(
        "window",
        "the same, with the values that become black and white",
        _hounsfield,
        Found(
            {"benign": 9, "malignant": 9},
            greys=(Grey("200 HU", 230, at=MARK), Grey("240 HU and more", 255)),
        ),
        flags={"data.window": "-160,240"},
    ),
    Case(
        "window_that_fits_nothing",
        "the same, and the values that become black and white fit none of them",
        _window_that_fits_nothing,
        Found(SIX, warning="hardly any grey levels: benign 100 %.*config.data.window='0,1'"),
        flags={"data.window": "0,1"},
    ),
    Case(
        "fractions",
        "Floats from 0 to 1, some with a maximum of 1.0003",
        _fractions,
        Found(SIX, greys=(Grey("0.5", 128, at=MARK), Grey("1", 255), _AIR)),
        how="0 to 1",
    ),
    Case(
        "nearly_empty",
        "Floats from 0 to 4095, with empty slices whose noise is within 0.4",
        _nearly_empty,
        Found(
            {"benign": 8, "malignant": 8},
            greys=(
                Grey("4095", 255, "benign/00.tif"),
                Grey("noise", 0, "benign/03.tif", BRIGHTEST),
            ),
        ),
        how="one scale for all files",
    ),
    Case(
        "wide_types",
        "float64 TIFFs",
        _of_type(np.float64, 0, 1),
        Found(SIX, greys=(_AIR, _HALF)),
    ),
    Case(
        "half_floats",
        "float16 TIFFs",
        _of_type(np.float16, 0, 1),
        Found(SIX, greys=(_AIR, _HALF)),
    ),
    Case(
        "signed_bytes",
        "Signed 8-bit TIFFs from -100 to 100",
        _of_type(np.int8, -100, 100),
        Found(SIX, greys=(Grey("-100", 0, at=DARKEST), Grey("0", 128, at=MARK), Grey("100", 255))),
        how="-100 to 100",
    ),
    Case(
        "wide_integers",
        "Unsigned 32-bit TIFFs up to 3,000,000,000",
        _of_type(np.uint32, 0, 3e9),
        Found(SIX, greys=(_AIR, _HALF, Grey("the largest", 255))),
    ),
    Case(
        "white_is_zero",
        "TIFFs in which the lowest value is white (film scanners), 8-bit and 16-bit",
        _white_is_zero,
        Found(
            {"benign": 8, "malignant": 8},
            greys=(_AIR, Grey("halfway, in either file,", 128, at=MARK), Grey("bone", 255)),
        ),
        how="inverted, at any depth",
    ),
    Case(
        "half_white_is_zero",
        "16-bit TIFFs with values up to 30000; in every second file the lowest value is white",
        _half_white_is_zero,
        Found(SIX, greys=(_AIR, _HALF, Grey("bone", 255))),
        how="those are turned over (65535 - v), then one scale for all files",
    ),
    Case(
        "different_depths",
        "One class from 12-bit files, the other from 8-bit files",
        _different_depths,
        refused="kinds of files differ between classes .hospital_a: 6 16-bit; hospital_b: 6 8-bit",
        how="convert all of them to one kind",
    ),
    Case(
        "dark",
        "8-bit files that use only 0 to 19",
        _dark,
        Found(SIX, greys=(Grey("19", 255), _AIR)),
        refused='nearly black.*19 of 255.*--config.data.window="0,19"',
        then={"data.window": "0,19"},
    ),
    Case(
        "black_class",
        "A class whose images are all black",
        _black_class,
        refused="every image of class malignant is nearly black",
        how="look at its files",
    ),
)
