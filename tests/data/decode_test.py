import io

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data.decode import DecodeError, decode_image, fit_image, stretch_images


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


def test_only_the_first_frame_counts():
    first, second = Image.new("L", (4, 4), 10), Image.new("L", (4, 4), 200)
    content = encode(first, "TIFF", save_all=True, append_images=[second])
    assert decode_image(content, 1).max() == 10


def test_what_is_no_image_of_eight_bits_is_refused():
    with pytest.raises(DecodeError, match="not an image"):
        decode_image(b"patient,diagnosis\n1,glioma\n", 3)
    with pytest.raises(DecodeError, match="a 16-bit image, where one of 8 bits is expected"):
        decode_image(encode(Image.fromarray(np.zeros((4, 4), np.uint16))), 1)
    with pytest.raises(ValueError, match="channels must be 1 or 3, got 2"):
        decode_image(encode(Image.new("L", (4, 4))), 2)


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


@pytest.mark.parametrize(
    ("shape", "size"), [((3, 16, 16, 1), 8), ((2, 8, 12, 3), 8), ((1, 8, 8, 1), 24)]
)
def test_many_are_resized_as_each_of_them_is(shape, size):
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    found = stretch_images(images, size)
    assert found.shape == (shape[0], size, size, shape[3])
    for one, image in zip(found, images, strict=True):
        np.testing.assert_array_equal(one, fit_image(image, size, "stretch"))


def test_images_of_the_right_size_and_no_images_are_not_copied():
    for images in (np.zeros((2, 8, 8, 1), np.uint8), np.zeros((0, 4, 4, 1), np.uint8)):
        assert stretch_images(images, 8) is images


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((100, 200_000, 3), slice(31, 32), slice(64)),  # side by side: a square of 37 GiB per byte
        ((20_000_000, 1, 1), slice(64), slice(31, 32)),
        ((30_000, 15_000, 1), slice(64), slice(16, 48)),
    ],
)
def test_a_strip_becomes_small_before_it_becomes_square(shape, rows, columns):
    image = np.broadcast_to(np.uint8(200), shape)
    padded = fit_image(image, 64, "pad")
    assert padded.shape == (64, 64, shape[2])
    np.testing.assert_allclose(padded[rows, columns].astype(int), 200, atol=1)
    assert np.count_nonzero(padded) == padded[rows, columns].size
    np.testing.assert_allclose(fit_image(image, 64, "stretch").astype(int), 200, atol=1)


def test_only_squares_beyond_the_bound_are_made_in_another_way():
    image = noise(40, 30, 3)
    square = np.pad(image, ((0, 0), (5, 5), (0, 0)))
    resized = Image.fromarray(square).resize((16, 16), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(fit_image(image, 16, "pad", max_pixels=1600), resized)
    other = fit_image(image, 16, "pad", max_pixels=1599)
    assert not other[:, :2].any()
    np.testing.assert_allclose(other[:, 2:14].mean(), np.asarray(resized)[:, 2:14].mean(), atol=2)
