import io

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data.decode import DecodeError, decode_image, fit_image, image_extensions


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_grey_and_rgb_pass_unchanged():
    grey, colour = noise(5, 7), noise(5, 7, 3)
    np.testing.assert_array_equal(decode_image(encode(Image.fromarray(grey)), 1)[..., 0], grey)
    np.testing.assert_array_equal(decode_image(encode(Image.fromarray(colour)), 3), colour)
    np.testing.assert_array_equal(
        decode_image(encode(Image.fromarray(grey)), 3), np.stack([grey] * 3, -1)
    )


def test_one_channel_is_luminance():
    pixel = decode_image(encode(Image.new("RGB", (1, 1), (200, 100, 50))), 1)
    assert pixel.item() == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)


def test_transparency_is_composited_on_black():
    half = Image.new("RGBA", (2, 2), (200, 100, 50, 128))
    np.testing.assert_allclose(decode_image(encode(half), 3)[0, 0], [100, 50, 25], atol=1)
    grey = Image.new("LA", (2, 2), (200, 0))
    assert decode_image(encode(grey), 1).max() == 0


def test_palette_with_and_without_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([250, 10, 20, 30, 240, 60])
    image.putdata([0, 1])
    np.testing.assert_array_equal(decode_image(encode(image), 3)[0], [[250, 10, 20], [30, 240, 60]])
    opaque = decode_image(encode(image, transparency=0), 3)
    np.testing.assert_array_equal(opaque[0], [[0, 0, 0], [30, 240, 60]])
    gif = decode_image(encode(image, "GIF", transparency=b"\x00\xff"[0]), 3)
    np.testing.assert_array_equal(gif[0], [[0, 0, 0], [30, 240, 60]])


def test_one_bit_is_black_and_white():
    image = Image.fromarray(np.array([[True, False]]))
    assert decode_image(encode(image), 1).ravel().tolist() == [255, 0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_by_257_and_rounded(kind):
    values = np.array([[0, 128, 129, 257, 32767, 32768, 65406, 65535]], np.uint16)
    expected = np.rint(values / 257).astype(np.uint8)
    pixels = decode_image(encode(Image.fromarray(values), kind), 1)
    np.testing.assert_array_equal(pixels[..., 0], expected)


def test_sixteen_bits_reach_rgb_alike():
    values = np.array([[0, 25700, 65535]], np.uint16)
    pixels = decode_image(encode(Image.fromarray(values)), 3)
    np.testing.assert_array_equal(pixels[0], [[0] * 3, [100] * 3, [255] * 3])


def test_integers_and_floats():
    def tiff(values: list, dtype: type) -> list[int]:
        content = encode(Image.fromarray(np.array([values], dtype)), "TIFF")
        return decode_image(content, 1).ravel().tolist()

    assert tiff([0, 65535], np.int32) == [0, 255]
    assert tiff([-1000, 0, 1000], np.int32) == [0, 128, 255]  # Hounsfield units
    assert tiff([0.0, 0.5, 1.0], np.float32) == [0, 128, 255]
    assert tiff([0.0, 99.6, 255.0], np.float32) == [0, 100, 255]
    assert tiff([7.0, 7.0], np.float32) == [7, 7]
    assert tiff([-3.0, -3.0], np.float32) == [0, 0]
    with pytest.raises(DecodeError, match="not finite"):
        tiff([0.0, np.nan], np.float32)


def test_cmyk():
    pixels = decode_image(encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", quality=100), 3)
    np.testing.assert_allclose(pixels[4, 4], [0, 255, 255], atol=3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_exif_orientation_is_applied_once(kind):
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 255  # white top left
    for orientation, stored in ((3, upright[::-1, ::-1]), (6, np.rot90(upright))):
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = encode(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif)
        np.testing.assert_allclose(decode_image(content, 1)[..., 0], upright, atol=3)


def test_only_the_first_frame_counts():
    first, second = Image.new("L", (4, 4), 10), Image.new("L", (4, 4), 200)
    content = encode(first, "TIFF", save_all=True, append_images=[second])
    assert decode_image(content, 1).max() == 10


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF"])
def test_truncated_files_are_refused(kind):
    content = encode(Image.fromarray(noise(64, 64)), kind)
    with pytest.raises(DecodeError):
        decode_image(content[: len(content) // 2], 1)


def test_what_is_no_image_is_refused():
    with pytest.raises(DecodeError, match="no bytes"):
        decode_image(b"", 1)
    with pytest.raises(DecodeError, match="not an image"):
        decode_image(b"patient,diagnosis\n1,glioma\n", 3)


@pytest.mark.parametrize("factor", [1.5, 3])
def test_decompression_bombs_are_refused(monkeypatch, factor):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(100 * 100 / factor))
    with pytest.raises(DecodeError, match="Decompression"):
        decode_image(encode(Image.new("L", (100, 100))), 1)


def test_extensions():
    assert {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"} <= image_extensions()
    assert not {".pdf", ".eps", ".csv", ".txt", ".h5"} & image_extensions()


def test_fits_place_the_image():
    tall = np.full((8, 4, 1), 200, np.uint8)
    padded = fit_image(tall, 8, "pad")[..., 0]
    assert (padded[:, 2:6] == 200).all()
    assert (padded[:, [0, 1, 6, 7]] == 0).all()
    tall[:2], tall[6:] = 0, 0
    assert (fit_image(tall, 4, "crop") == 200).all()
    assert fit_image(tall, 16, "stretch").shape == (16, 16, 1)
    with pytest.raises(ValueError, match="pad, crop, stretch"):
        fit_image(tall, 4, "squeeze")


def test_resizing_antialiases():
    # Stripes of one pixel: picking pixels would give 0 or 255, averaging gives grey.
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = fit_image(stripes, 8, "stretch")
    assert small.dtype == np.uint8
    np.testing.assert_allclose(small, 127.5, atol=8)


def test_right_size_is_left_alone():
    image = noise(8, 8, 3)
    for fit in ("pad", "crop", "stretch"):
        np.testing.assert_array_equal(fit_image(image, 8, fit), image)
