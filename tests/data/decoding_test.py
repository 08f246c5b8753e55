"""Every file of a set in one array: grey scales over all files, stacks, and what is left out."""

import collections
import io
import itertools

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from synthmed_jax.data import decoding, formats
from synthmed_jax.data.facts import UNREADABLE
from synthmed_jax.data.sets.builders import Record
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256

NAMES = ("a", "b")


def encode(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind, **options)
    return buffer.getvalue()


def grey(*values: int, dtype: type = np.uint8) -> bytes:
    """A PNG of 8x8 pixels whose first row begins with these values; the others are the last one."""
    pixels = np.full((8, 8), values[-1], dtype)
    pixels[0, : len(values)] = values
    return encode(pixels)


def deep(*values: int) -> bytes:
    return grey(*values, dtype=np.uint16)


def stack(*levels: int) -> bytes:
    first, *rest = (Image.fromarray(np.full((8, 8), level, np.uint8)) for level in levels)
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=rest)
    return buffer.getvalue()


def scan(*values: int, **fields) -> bytes:
    """A DICOM file of 8x8 pixels; `fields` are added or replace the usual ones."""
    pixels = np.full((8, 8), values[-1], np.int16)
    pixels[0, : len(values)] = values
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data.Modality, data.Rows, data.Columns = "CT", 8, 8
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    for name, value in fields.items():
        setattr(data, name, value)
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def records(files: dict[str, bytes]) -> list[Record]:
    return [Record(c, f, NAMES.index(f[0]), sha256(c)) for f, c in files.items()]


@pytest.fixture
def decode(settings):
    """Decodes files; returns the listing, and their pixels u8[N,8,8,C]."""

    def run(files: dict[str, bytes], channels: int = 1, **changes):
        stream = io.BytesIO()
        how = settings(channels=channels, **changes)
        listing = decoding.decode_all(records(files), NAMES, how, stream)
        pixels = np.frombuffer(stream.getvalue(), np.uint8).reshape(-1, 8, 8, channels)
        assert len(pixels) == len(listing.files) == len(listing.facts.rows)
        return listing, pixels

    return run


@pytest.fixture
def opened(monkeypatch) -> collections.Counter[str]:
    """How often each file was opened."""
    times: collections.Counter[str] = collections.Counter()
    open_image = formats.open_image

    def count(content, file, max_pixels, axis=None):
        times[file] += 1
        return open_image(content, file, max_pixels, axis)

    monkeypatch.setattr(formats, "open_image", count)
    return times


def test_images_of_eight_bits_stay_as_they_are_and_are_opened_once(decode, opened):
    levels = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    files = {"a/1.png": encode(levels), "b/1.bmp": encode(levels.T.copy(), "BMP")}
    listing, pixels = decode(files)
    np.testing.assert_array_equal(pixels[..., 0], [levels, levels.T])
    assert listing.grey_scales == ()
    assert opened == dict.fromkeys(files, 1)
    facts = listing.facts
    assert facts.sources == listing.files == tuple(files)
    digests = [bytes(digest).hex() for digest in facts.rows["sha256"]]
    assert digests == [sha256(content) for content in files.values()]
    assert facts.formats == ("PNG 8-bit", "BMP 8-bit")
    measured = facts.rows[["format", "mean", "darkest", "brightest", "label"]].tolist()
    assert measured == [(0, 126, 0, 252, 0), (1, 126, 0, 252, 1)]


def test_sizes_are_those_of_the_file_and_levels_those_of_the_image(decode):
    wide = encode(np.full((4, 16), 200, np.uint8))
    listing, pixels = decode({"a/1.png": wide, "b/1.png": grey(10, 255)})
    assert listing.facts.rows[["width", "height"]].tolist() == [(16, 4), (8, 8)]
    # Three quarters are a black border.
    assert listing.facts.rows["mean"][0] == pixels[0].mean() == pytest.approx(50, abs=4)
    assert listing.facts.rows["darkest"].tolist() == [0, 10]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_one_grey_scale_for_all_files_of_a_kind_whatever_their_order(decode, opened, order):
    # Of its own 0..3000 would be 0..255 as well: the same 1000 must not be two greys.
    of_file = {"a/1.png": (0, 1000), "b/1.png": (0, 1000, 3000), "b/2.png": (1000, 2000)}
    files = [list(of_file)[i] for i in order]
    listing, pixels = decode({file: deep(*of_file[file]) for file in files})
    (scale,) = listing.grey_scales
    assert (scale.kind, scale.low, scale.high) == ("16-bit", 0, 4095)
    for file, image in zip(listing.files, pixels, strict=True):
        expected = [round(value * 255 / 4095) for value in of_file[file]]
        assert image[0, : len(expected), 0].tolist() == expected
    assert listing.files == tuple(files)
    assert opened == dict.fromkeys(files, 2)


def test_grey_values_reach_all_channels(decode):
    _, pixels = decode({"a/1.png": deep(0, 65535), "b/1.png": deep(257, 65535)}, channels=3)
    assert pixels[1, 0, :2].tolist() == [[1, 1, 1], [255, 255, 255]]


def test_each_kind_has_its_own_scale(decode):
    floats = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    files = {}
    for name, last in (("a", 4095), ("b", 4000)):
        files[f"{name}/1.png"] = deep(0, last)
        files[f"{name}/2.tif"] = encode(floats * last / 4095, "TIFF")
        files[f"{name}/3.png"] = grey(7, 255)
    listing, pixels = decode(files)
    assert {s.kind: (s.low, s.high) for s in listing.grey_scales} == {
        "16-bit": (0, 4095),
        "float": (0, 1),
    }
    assert listing.files == tuple(files)
    assert pixels[1, -1, -1] == 255
    assert pixels[2, 0, 0] == 7


def test_a_window_that_is_given_holds_for_all_and_takes_one_pass(decode, opened):
    files = {"a/1.dcm": scan(-400, 40, 240), "b/1.dcm": scan(-160, 900)}
    listing, pixels = decode(files, window="-160,240")
    assert pixels[0, 0, :3, 0].tolist() == [0, 128, 255]  # 200 * 255 / 400 is 127.5, to even
    assert pixels[1, 0, :2, 0].tolist() == [0, 255]
    assert set(opened.values()) == {1}
    assert listing.facts.count_formats(np.arange(2)) == {"DICOM CT": 2}
    assert [(scale.low, scale.high) for scale in listing.grey_scales] == [(-160, 240)]


def test_a_window_brightens_images_of_eight_bits_too(decode):
    _, pixels = decode({"a/1.png": grey(0, 51), "b/1.png": grey(17, 200)}, window="0,51")
    assert pixels[:, 0, :2, 0].tolist() == [[0, 255], [85, 255]]


def test_each_dicom_file_through_its_own_window(decode, opened):
    files = {
        "a/1.dcm": scan(0, 100, WindowCenter=50.5, WindowWidth=101),
        "b/1.dcm": scan(0, 100, 1000, WindowCenter=500.5, WindowWidth=1001),
    }
    listing, pixels = decode(files, window="dicom")
    assert pixels[0, 0, :2, 0].tolist() == [0, 255]
    assert pixels[1, 0, :3, 0].tolist() == [0, 26, 255]
    assert listing.grey_scales == ()
    assert set(opened.values()) == {1}
    files["b/2.dcm"] = scan(0, 100)
    with pytest.raises(UserError, match=r"b/2\.dcm has no window of its own: .*data\.window"):
        decode(files, window="dicom")


def test_what_is_no_dicom_has_no_window_of_its_own(decode):
    own = scan(0, 100, WindowCenter=50.5, WindowWidth=101)
    files = {"a/1.dcm": own, "a/2.png": deep(0, 4095), "b/1.dcm": own, "b/2.png": deep(5, 4095)}
    listing, pixels = decode(files, window="dicom")
    assert [(scale.kind, scale.high) for scale in listing.grey_scales] == [("16-bit", 4095)]
    assert pixels[1, 0, :2, 0].tolist() == [0, 255]
    with pytest.raises(UserError, match=r"window='dicom' is for grey DICOM files.*a: 1 16-bit;"):
        decode({"a/1.png": deep(0, 4095), "b/1.png": deep(5, 4095)}, window="dicom")


def test_where_the_lowest_value_is_white(decode):
    of_class = {"PhotometricInterpretation": "MONOCHROME1"}
    listing, pixels = decode({"a/1.dcm": scan(0, 100, **of_class), "b/1.dcm": scan(0, **of_class)})
    assert pixels[0, 0, :2, 0].tolist() == [255, 0]
    assert [scale.kind for scale in listing.grey_scales] == ["DICOM CT (lowest value is white)"]


def test_stacks_are_refused_unless_it_is_said_which_images(decode):
    files = {"a/1.tif": stack(10, 20, 30), "b/1.tif": stack(50, 60), "b/2.png": grey(90)}
    with pytest.raises(UserError, match=r"a/1\.tif \(3\), b/1\.tif \(2\)\. Say .*data\.slices=all"):
        decode(files)


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ("all", {"a/1.tif#0000": 40, "a/1.tif#0001": 50, "a/1.tif#0002": 60, "a/1.tif#0003": 70}),
        ("every:2", {"a/1.tif#0001": 50, "a/1.tif#0003": 70}),
        ("middle", {"a/1.tif#0002": 60}),
        ("first", {"a/1.tif#0000": 40}),
    ],
)
def test_images_of_a_stack_have_its_name_and_their_position(decode, slices, expected):
    files = {"a/1.tif": stack(40, 50, 60, 70), "b/1.png": grey(90)}
    listing, pixels = decode(files, slices=slices)
    # One image in a file is that file, whatever is taken of stacks.
    assert listing.files == (*expected, "b/1.png")
    assert pixels[:, 0, 0, 0].tolist() == [*expected.values(), 90]
    assert listing.facts.sources == ("a/1.tif",) * len(expected) + ("b/1.png",)
    assert bytes(listing.facts.rows["sha256"][0]).hex() == sha256(files["a/1.tif"])
    assert listing.facts.rows["label"].tolist() == [0] * len(expected) + [1]


def test_an_axis_is_for_volumes(decode):
    files = {"a/1.tif": stack(40, 50, 60, 70), "b/1.png": grey(90)}
    with pytest.raises(UserError, match=r"a/1\.tif \(TIFF\) lie along .*data\.slices=every:2$"):
        decode(files, slices="every:2:1")
    assert len(decode({"a/1.png": grey(80), "b/1.png": grey(90)}, slices="every:2:1")[1]) == 2


def test_a_file_may_not_be_called_as_an_image_of_a_stack(decode):
    files = {"a/1": stack(40, 50), "a/1#0001": grey(60), "b/1.png": grey(90)}
    with pytest.raises(UserError, match=r"a/1#0001 is .* of the stack a/1: rename .*1 such name"):
        decode(files, slices="all")
    assert len(decode(files, slices="first")[1]) == 3


def test_kinds_that_differ_between_classes_are_refused(decode):
    with pytest.raises(UserError, match=r"kinds of files differ .*\(a: 1 8-bit; b: 1 16-bit\)"):
        decode({"a/1.png": grey(200), "b/1.png": deep(4095)})


def test_a_file_that_breaks_between_the_passes_is_left_out_once(decode, monkeypatch):
    files = {f"{name}/{i:02d}.png": deep(i, 3000) for name in NAMES for i in range(10)}
    open_image, seen = formats.open_image, set()

    def break_later(content, file, *rest, **options):
        if file == "a/03.png" and file in seen:
            content = content[:40]
        seen.add(file)
        return open_image(content, file, *rest, **options)

    monkeypatch.setattr(formats, "open_image", break_later)
    listing, pixels = decode(files)
    assert [(each.file, each.reason) for each in listing.left_out] == [("a/03.png", UNREADABLE)]
    assert listing.files == tuple(file for file in files if file != "a/03.png")
    assert pixels[3, 0, 0] == round(4 * 255 / 4095)


def test_a_broken_file_is_left_out_with_its_reason_in_either_kind(decode):
    files = {f"{name}/{i:02d}.png": deep(i, 3000) for name in NAMES for i in range(10)}
    files |= {f"{name}/{i:02d}.png": grey(i, 200) for name in NAMES for i in range(10, 20)}
    files |= {"a/03.png": files["a/03.png"][:50], "b/15.png": b""}
    listing, _ = decode(files)
    assert [(each.file, each.class_name) for each in listing.left_out] == [
        ("a/03.png", "a"),
        ("b/15.png", "b"),
    ]
    assert "no bytes" in listing.left_out[1].detail
    assert len(listing.files) == 38


def test_a_class_of_masks_is_refused(decode):
    with pytest.raises(UserError, match=r"class b is nearly black: .* is 1 of 255"):
        decode({"a/1.png": grey(200), "b/1.png": grey(0, 1)})
