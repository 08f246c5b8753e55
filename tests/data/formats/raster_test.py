import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from synthmed_jax.data.formats import raster
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Kind

MAX_PIXELS = 10**6


def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def open_(content: bytes) -> raster.Opened:
    return raster.open_raster(content, MAX_PIXELS)


def read(content: bytes, channels: int) -> np.ndarray:
    opened = open_(content)
    assert opened.kind == EIGHT_BITS
    return opened.read(0, channels)


def test_grey_and_rgb_pass_unchanged():
    grey, colour = noise(5, 7), noise(5, 7, 3)
    np.testing.assert_array_equal(read(encode(grey), 1)[..., 0], grey)
    np.testing.assert_array_equal(read(encode(colour), 3), colour)
    np.testing.assert_array_equal(read(encode(grey), 3), np.stack([grey] * 3, -1))


def test_one_channel_is_luminance():
    pixel = read(encode(Image.new("RGB", (1, 1), (200, 100, 50))), 1)
    assert pixel.item() == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)


def test_transparency_is_composited_on_black():
    half = Image.new("RGBA", (2, 2), (200, 100, 50, 128))
    np.testing.assert_allclose(read(encode(half), 3)[0, 0], [100, 50, 25], atol=1)
    grey = Image.new("LA", (2, 2), (200, 0))
    assert read(encode(grey), 1).max() == 0


def test_palette_with_and_without_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([250, 10, 20, 30, 240, 60])
    image.putdata([0, 1])
    np.testing.assert_array_equal(read(encode(image), 3)[0], [[250, 10, 20], [30, 240, 60]])
    opaque = read(encode(image, transparency=0), 3)
    np.testing.assert_array_equal(opaque[0], [[0, 0, 0], [30, 240, 60]])
    gif = read(encode(image, "GIF", transparency=b"\x00\xff"[0]), 3)
    np.testing.assert_array_equal(gif[0], [[0, 0, 0], [30, 240, 60]])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P", "1", "CMYK", "L", "RGB", "YCbCr"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_do_not_depend_on_the_strips_they_are_converted_in(monkeypatch, mode, channels):
    image = Image.fromarray(noise(37, 23, 4), "RGBA").convert(mode)
    if mode == "P":
        image.info["transparency"] = 3
    whole = raster._to_pixels(image, channels)
    monkeypatch.setattr(raster, "_STRIP", 50)  # two rows at a time, the last one alone
    np.testing.assert_array_equal(raster._to_pixels(image, channels), whole)


def test_one_bit_is_black_and_white():
    image = Image.fromarray(np.array([[True, False]]))
    assert read(encode(image), 1).ravel().tolist() == [255, 0]


def test_cmyk():
    pixels = read(encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", quality=100), 3)
    np.testing.assert_allclose(pixels[4, 4], [0, 255, 255], atol=3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_exif_orientation_is_applied_once(kind):
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 255  # white top left
    for orientation, stored in ((3, upright[::-1, ::-1]), (6, np.rot90(upright))):
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = encode(np.ascontiguousarray(stored), kind, exif=exif)
        np.testing.assert_allclose(read(content, 1)[..., 0], upright, atol=3)


DEEP = [0, 1, 300, 4095, 65535]


@pytest.mark.parametrize(
    ("values", "container", "kind"),
    [
        (np.array([DEEP], np.uint16), "PNG", "16-bit"),
        (np.array([DEEP], np.uint16), "TIFF", "16-bit"),
        (np.array([DEEP], np.int32), "TIFF", "32-bit signed"),
        (np.array([[-1000, 3071]], np.int32), "TIFF", "32-bit signed"),
        (np.array([[-0.5, 0.25, 1.0003]], np.float32), "TIFF", "float"),
    ],
)
def test_grey_of_more_bits_keeps_its_values(values, container, kind):
    opened = open_(encode(values, container))
    assert opened.kind == Kind(kind)
    np.testing.assert_array_equal(opened.read(0, 1), values)
    assert not opened.is_coloured(0)


def test_a_pgm_of_twelve_bits_has_the_range_of_sixteen():
    opened = open_(b"P5\n3 1\n4095\n" + np.array([0, 2048, 4095], ">u2").tobytes())
    assert opened.kind == Kind("16-bit")
    np.testing.assert_allclose(opened.read(0, 1), [[0, 32775, 65535]], atol=1)


def test_values_that_are_not_finite_are_refused():
    for value in (np.nan, np.inf):
        opened = open_(encode(np.array([[0, value]], np.float32), "TIFF"))
        with pytest.raises(DecodeError, match="not finite"):
            opened.read(0, 1)


GREYS = [noise(6, 8) // 4 + 40 * k for k in range(4)]


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG", "WEBP"])
def test_frames_are_read_in_any_order(kind):
    first, *others = (Image.fromarray(grey) for grey in GREYS)
    lossless = {"lossless": True} if kind == "WEBP" else {}
    content = encode(first, kind, save_all=True, append_images=others, **lossless)
    opened = open_(content)
    assert opened.num_frames == 4
    assert opened.format == kind
    for frame in (2, 0, 3, 3, 1):
        np.testing.assert_allclose(opened.read(frame, 1)[..., 0], GREYS[frame], atol=1)


def test_the_preview_in_a_cameras_jpeg_is_no_image():
    content = encode(Image.new("L", (8, 8), 90), "MPO", save_all=True, append_images=[
        Image.new("L", (4, 4), 10)
    ])  # fmt: skip
    opened = open_(content)
    assert (opened.format, opened.num_frames) == ("JPEG", 1)
    assert opened.read(0, 1).mean() == pytest.approx(90, abs=2)


def test_a_png_opens_however_long_its_texts_are():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * (2 << 20), zip=True)
    grey = noise(5, 7)
    np.testing.assert_array_equal(read(encode(grey, pnginfo=info), 1)[..., 0], grey)
    assert PngImagePlugin.MAX_TEXT_CHUNK == 1 << 20, "the setting is Pillow's own again"


def test_images_that_are_too_large_are_refused_by_their_header():
    content = encode(Image.new("1", (95, 95)))
    assert raster.open_raster(content, 95 * 95).size == (95, 95)
    message = (
        "^95 x 95 pixels, more than data.max_pixels=9024: raise it with "
        "--config.data.max_pixels=9025$"
    )
    with pytest.raises(DecodeError, match=message):
        raster.open_raster(content, 95 * 95 - 1)


def test_pillows_own_limit_is_not_asked(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read(encode(Image.new("L", (100, 100), 7)), 1).max() == 7
    assert Image.MAX_IMAGE_PIXELS == 10


def test_opening_reads_only_the_header():
    content = encode(noise(64, 64))
    opened = open_(content[: len(content) // 2])
    assert opened.size == (64, 64)
    with pytest.raises(DecodeError):
        opened.read(0, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF"])
def test_truncated_files_are_refused(kind):
    content = encode(noise(64, 64), kind)
    with pytest.raises(DecodeError):
        open_(content[: len(content) // 2]).read(0, 1)


def test_what_is_no_image_is_refused():
    with pytest.raises(DecodeError, match="no bytes"):
        open_(b"")
    with pytest.raises(DecodeError, match="not an image"):
        open_(b"patient,diagnosis\n1,glioma\n")


def test_colours_are_told_from_a_tint():
    grey = noise(80, 60)
    tint = np.stack([grey // 2 + 8, grey // 2, grey // 2], -1)
    # Red and green in turn, pixel by pixel: their mean would have no colour.
    turns = np.zeros((80, 60, 3), np.uint8)
    turns[::2, :, 0] = turns[1::2, :, 1] = 200
    clear = np.dstack([turns, np.zeros((80, 60), np.uint8)])
    files = {"grey": grey, "tint": tint, "colours": turns, "unseen colours": clear}
    found = {name: open_(encode(pixels)).is_coloured(0) for name, pixels in files.items()}
    assert found == {"grey": False, "tint": False, "colours": True, "unseen colours": False}


def test_each_frame_of_a_film_has_colours_or_none():
    colours = np.full((8, 8, 3), [200, 10, 10], np.uint8)
    frames = [Image.fromarray(pixels) for pixels in (noise(8, 8), colours, noise(8, 8))]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    opened = open_(content)
    assert [opened.is_coloured(frame) for frame in (1, 0, 2)] == [True, False, False]


def test_a_file_is_decoded_once_for_pixels_and_colours(monkeypatch):
    opened = open_(encode(noise(8, 8, 3)))
    opened.read(0, 1)
    monkeypatch.setattr(raster.ImageOps, "exif_transpose", lambda image: pytest.fail("again"))
    assert opened.is_coloured(0)


def test_endings():
    assert {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"} <= raster.endings()
    assert not {".pdf", ".eps", ".csv", ".txt", ".h5"} & raster.endings()


def peak(content: bytes, frame: int) -> tuple[int, str]:
    """MiB by which a process of its own grows when it reads a frame, and why it can't be read."""
    code = (
        "import resource, sys\n"
        "from synthmed_jax.data.formats import raster\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        f"    raster.open_raster(sys.stdin.buffer.read(), {MAX_PIXELS}).read({frame}, 1)\n"
        "    reason = ''\n"
        "except raster.DecodeError as error:\n"
        "    reason = str(error)\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print((after - before) // 1024, reason)\n"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()
    grown, _, reason = said.strip().partition(" ")
    return int(grown), reason


def huge_second_frame() -> bytes:
    """A GIF of 8x8 pixels, whose second frame says that it is of 60000x60000."""
    frames = [Image.fromarray(noise(8, 8)) for _ in range(2)]
    content = encode(frames[0], "GIF", save_all=True, append_images=[Image.new("L", (8, 8), 7)])
    second = content.rindex(b"\x2c\0\0\0\0")
    return content[: second + 5] + struct.pack("<HH", 60000, 60000) + content[second + 9 :]


def many_frames() -> bytes:
    """A PNG of two frames that says it has 2**30."""
    content = encode(noise(8, 8), save_all=True, append_images=[Image.new("L", (8, 8))])
    at = content.index(b"acTL")
    chunk = b"acTL" + struct.pack(">II", 2**30, 0)
    return content[:at] + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[at + 16 :]


def icon_of_another_size() -> bytes:
    """An icon of 16x16 pixels by its directory, and of 4000x4000 in truth."""
    inner = encode(Image.new("L", (4000, 4000)))
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + inner


@pytest.mark.parametrize(
    ("content", "frame", "reason"),
    [
        (huge_second_frame(), 1, "3600000000 pixels, more than data.max_pixels=1000000: raise it"),
        (many_frames(), 2**30 - 1, "OSError: Truncated File Read"),
        (icon_of_another_size(), 0, "16000000 pixels, more than data.max_pixels=1000000: raise it"),
    ],
)
def test_files_that_lie_about_their_size_take_no_memory(content, frame, reason):
    grown, why = peak(content, frame)
    assert why.startswith(reason)
    assert grown < 60  # MiB, with what a library takes once it is used
