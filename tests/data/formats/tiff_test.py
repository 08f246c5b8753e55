import io

import numpy as np
import pytest
import tifffile

from synthmed_jax.data.formats import raster
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Kind, Opened

RAMP = np.arange(12 * 10).reshape(12, 10)


def encode(*pages: np.ndarray, photometric: str = "minisblack", **options) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, byteorder=options.pop("byteorder", "<")) as writer:
        for page in pages:
            writer.write(page, photometric=photometric, metadata=None, **options)
    return buffer.getvalue()


def open_(content: bytes) -> Opened:
    return raster.open_raster(content, 10**6)


TYPES = {
    "i1": "8-bit signed",
    "u2": "16-bit",
    "i2": "16-bit signed",
    "u4": "32-bit",
    "i4": "32-bit signed",
    "f2": "float",
    "f4": "float",
    "f8": "float",
    "i8": "64-bit signed",
}


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", TYPES)
def test_values_are_those_of_the_file(dtype, byteorder, photometric, compression):
    values = RAMP.astype(dtype)
    if dtype[0] != "u":
        values = values - np.asarray(60, dtype)
    if dtype == "u4":
        values = values * np.uint32(2**32 // 120)  # beyond the largest signed value
    options = {"photometric": photometric, "compression": compression}
    opened = open_(encode(values, byteorder=byteorder, **options))
    assert opened.kind == Kind(TYPES[dtype], inverted=photometric == "miniswhite")
    assert opened.size == (10, 12)
    np.testing.assert_array_equal(opened.read(0, 1), values)
    assert not opened.is_coloured(0)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_white_is_zero_is_inverted_where_pixels_are_grey_levels_already(dtype, compression):
    values = (RAMP % 7 > 3) if dtype is bool else RAMP.astype(dtype)
    opened = open_(encode(values, photometric="miniswhite", compression=compression))
    assert opened.kind == EIGHT_BITS
    white = np.where(values, 0, 255) if dtype is bool else 255 - values
    np.testing.assert_array_equal(opened.read(0, 1)[..., 0], white)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "f8"])
def test_pages_are_slices(dtype):
    pages = [(RAMP + 5 * k).astype(dtype) for k in range(3)]
    opened = open_(encode(*pages))
    assert opened.num_frames == 3
    for k in (2, 0, 1):
        np.testing.assert_array_equal(opened.read(k, 1).reshape(12, 10), pages[k])


@pytest.mark.parametrize("dtype", ["u1", "f8"])
def test_pages_of_another_size_are_no_slices(dtype):
    large, small = np.zeros((16, 16), dtype), np.zeros((8, 8), dtype)
    assert open_(encode(large, small)).num_frames == 1
    opened = open_(encode(large, small, large + np.asarray(7, dtype)))
    assert opened.num_frames == 2
    assert opened.read(1, 1).min() == 7


def test_pages_are_turned_upright_each():
    orientation = [(274, "H", 1, 6, True)]
    pages = [RAMP.astype("u1"), RAMP.astype("u1") + 100]
    opened = open_(encode(*pages, extratags=orientation))
    for k in (1, 0):
        np.testing.assert_array_equal(opened.read(k, 1)[..., 0], np.rot90(pages[k], -1))
    with pytest.raises(DecodeError, match="float64 that is stored turned"):
        open_(encode(RAMP.astype("f8"), extratags=orientation))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((8, 9, 2), "u2"), r"shape \(8, 9, 2\), uint16: neither grey nor RGB"),
        (np.zeros((8, 9, 3), "f4"), r"shape \(8, 9, 3\), float32: neither grey nor RGB"),
        (np.zeros((8, 9), "c8"), "complex64, which are no grey levels"),
    ],
)
def test_what_is_neither_grey_nor_rgb_is_refused(values, reason):
    options = {"planarconfig": "contig"} if values.ndim == 3 else {}
    with pytest.raises(DecodeError, match=reason):
        open_(encode(values, **options))


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(DecodeError, match="not finite"):
        open_(encode(np.array([[0, np.nan]]))).read(0, 1)


def test_damaged_files_are_refused():
    content = encode(np.random.default_rng(0).normal(size=(64, 64)))
    with pytest.raises(DecodeError):
        open_(content[: len(content) // 2]).read(0, 1)
    with pytest.raises(DecodeError, match="neither Pillow nor tifffile"):
        open_(b"II*\0" + b"\xff" * 40)


def test_images_that_are_too_large_are_refused():
    with pytest.raises(DecodeError, match=r"10 x 12 pixels, more than data\.max_pixels=119"):
        raster.open_raster(encode(RAMP.astype("f8")), 119)
