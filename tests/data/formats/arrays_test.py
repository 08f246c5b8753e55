import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from synthmed_jax.data.formats import arrays
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Kind

GREY = np.arange(5 * 6 * 7).reshape(5, 6, 7)
COLOURS = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def encode(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def zipped(**named: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **named)
    return stream.getvalue()


def open_(content: bytes, axis: int = 0) -> arrays.Array:
    return arrays.Array(content, 10**6, axis)


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("u1", EIGHT_BITS),
        ("i1", Kind("8-bit signed")),
        ("u2", Kind("16-bit")),
        (">i2", Kind("16-bit signed")),
        ("i8", Kind("64-bit signed")),
        ("f2", Kind("float")),
        ("f8", Kind("float")),
    ],
)
@pytest.mark.parametrize("shape", ["HW", "HW1", "KHW", "KHW1"])
def test_grey(shape, dtype, kind):
    stack = (GREY % 100).astype(dtype)
    array = stack if shape[0] == "K" else stack[0]
    opened = open_(encode(array[..., None] if shape[-1] == "1" else array))
    assert (opened.format, opened.kind, opened.size) == ("NumPy", kind, (7, 6))
    assert opened.num_frames == (5 if shape[0] == "K" else 1)
    for frame in range(opened.num_frames):
        values = opened.read(frame, 1)
        assert values.shape == ((6, 7, 1) if kind == EIGHT_BITS else (6, 7))
        np.testing.assert_array_equal(values.reshape(6, 7), stack[frame])
        assert not opened.is_coloured(frame)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_axis_of_a_stack(axis):
    opened = open_(zipped(a=GREY), axis)
    assert opened.num_frames == GREY.shape[axis]
    np.testing.assert_array_equal(opened.read(3, 1), np.take(GREY, 3, axis))


def test_colours():
    for axis in (0, 2):  # the axis of colours is not one of images
        opened = open_(encode(COLOURS), axis)
        assert (opened.kind, opened.size, opened.num_frames) == (EIGHT_BITS, (7, 6), 5)
        np.testing.assert_array_equal(opened.read(4, 3), COLOURS[4])
        assert opened.is_coloured(4)
    opened = open_(encode(COLOURS[0] // 40))
    assert (opened.size, opened.num_frames, opened.is_coloured(0)) == ((7, 6), 1, False)
    assert opened.read(0, 1).shape == (6, 7, 1)


def test_truth_values_are_black_and_white():
    opened = open_(encode(np.array([[True, False]])))
    assert opened.kind == EIGHT_BITS
    assert opened.read(0, 1).ravel().tolist() == [255, 0]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((5, 6, 3), np.float32),
        np.zeros((5, 6, 4), np.uint8),
        np.zeros((5, 6, 7, 8), np.uint8),
        np.zeros(5),
        np.zeros((0, 6)),
        np.zeros((5, 6), np.complex64),
        np.full((5, 6), "text"),
    ],
    ids=lambda array: f"{array.shape} {array.dtype}",
)
def test_other_shapes_and_types_are_refused(array):
    with pytest.raises(DecodeError) as error:
        open_(encode(array))
    assert f"array of shape {array.shape} and type {array.dtype}: neither" in str(error.value)


def test_an_npz_of_several_arrays_is_refused():
    with pytest.raises(DecodeError, match=r"^2 arrays \(a, b\), where one is expected$"):
        open_(zipped(a=GREY, b=GREY))
    with pytest.raises(DecodeError, match=r"MedMNIST has them: --config\.data\.name=medmnist"):
        open_(zipped(train_images=GREY, train_labels=GREY[:, :1, 0]))


def test_damaged_files_and_python_objects_are_refused():
    pickled = io.BytesIO()
    np.save(pickled, np.array([{}], object), allow_pickle=True)
    for content in (b"", b"text" * 99, encode(GREY)[:-9], zipped(a=GREY)[:-9], pickled.getvalue()):
        with pytest.raises(DecodeError, match="not an array of numbers, or damaged or cut off"):
            open_(content)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(DecodeError, match="not finite"):
        open_(encode(np.array([[0, np.inf]]))).read(0, 1)


def test_images_that_are_too_large_are_refused():
    with pytest.raises(DecodeError, match=r"7 x 6 pixels, more than data\.max_pixels=41"):
        arrays.Array(encode(GREY), 41, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encode(np.array(3.5)), r"array of shape \(\) and type float64: neither grey"),
        (encode(np.full((4, 4), 1e300)), r"values beyond 3\.4e38"),
        (encode(np.zeros((0, 4))), "neither grey"),
    ],
)
def test_arrays_that_hold_no_image_are_refused(content, reason):
    with pytest.raises(DecodeError, match=reason):
        open_(content).read(0, 1)


def test_an_archive_of_something_else_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", b"a text")
    with pytest.raises(DecodeError, match="not an array of numbers"):
        open_(stream.getvalue())


def test_a_header_of_python_2_is_read_without_a_warning():
    # Long integers, as Python 2 wrote them.
    content = encode(np.zeros((5, 6))).replace(b"(5, 6), }  ", b"(5L, 6L), }")
    assert open_(content).size == (6, 5)


def header(shape: tuple[int, ...], dtype: str) -> bytes:
    stream = io.BytesIO()
    told = {"shape": shape, "fortran_order": False, "descr": dtype}
    np.lib.format.write_array_header_1_0(stream, told)
    return stream.getvalue()


def archive_of_zeros(start: bytes, zeros: int) -> bytes:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as entry,
    ):
        entry.write(start)
        for _ in range(zeros // 2**20):
            entry.write(bytes(2**20))
    return stream.getvalue()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((2**16, 2**16), r"^65536 x 65536 pixels, more than data\.max_pixels=1000000: raise it"),
        (
            (2**12, 2**10, 2**9),
            r"^4\.29 GB when unpacked, more than 16 bytes for each of data\.max_pixels=1000000: "
            r"save its images .*, --config\.data\.max_pixels=268435456$",
        ),
    ],
)
def test_what_would_fill_the_memory_is_refused_by_its_header(shape, reason, packed):
    start = header(shape, "<u2")
    content = archive_of_zeros(start, 2**26) if packed else start + bytes(2**20)
    tracemalloc.start()
    with pytest.raises(DecodeError, match=reason):
        open_(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21


def test_what_follows_an_array_is_not_unpacked():
    content = archive_of_zeros(encode(GREY), 2**26)
    tracemalloc.start()
    opened = open_(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(opened.read(4, 1), GREY[4])
    assert peak < 2**21


def test_what_a_file_holds_as_it_is_is_read_however_many_images():
    stack = np.random.default_rng(0).integers(0, 256, (500, 8, 8), dtype=np.uint8)
    assert arrays.Array(encode(stack), 64, 0).num_frames == 500
    with pytest.raises(DecodeError, match="when unpacked"):
        arrays.Array(zipped(a=np.zeros_like(stack)), 64, 0)
