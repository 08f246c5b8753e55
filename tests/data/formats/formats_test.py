import io
import os
import sys
from pathlib import Path

import nibabel
import numpy as np
import pydicom.data
import pytest
from PIL import Image

from synthmed_jax.data import formats
from synthmed_jax.errors import UserError


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (5, 4), 9).save(stream, "PNG")
    return stream.getvalue()


def npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 3, 5)))
    return stream.getvalue()


def ct() -> bytes:
    return Path(str(pydicom.data.get_testdata_file("CT_small.dcm", download=False))).read_bytes()


def volume() -> bytes:
    return nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4)).to_bytes()


@pytest.mark.parametrize(
    ("file", "content", "format"),
    [
        ("a/b.png", png, "PNG"),
        ("a/b.JPG", png, "PNG"),  # a wrong ending, as hand-renamed files have it
        ("a/b", png, "PNG"),
        ("a/b.dcm", ct, "DICOM"),
        ("a/IM000001", ct, "DICOM"),
        ("a/1.2.840.113619.2.5", ct, "DICOM"),
        ("a/b.png", ct, "DICOM"),
        ("a/b.NII", volume, "NIfTI"),
        ("a/b.npy", npy, "NumPy"),
    ],
)
def test_the_reader_is_chosen(file, content, format):
    assert formats.open_image(content(), file, 10**6).format == format


def test_the_usual_axis_is_the_formats_own():
    for axis, frames in ((None, 4), (2, 4), (0, 2)):
        assert formats.open_image(volume(), "a.nii", 10**6, axis).num_frames == frames
    for axis, frames in ((None, 2), (2, 5), (0, 2)):
        assert formats.open_image(npy(), "a.npy", 10**6, axis).num_frames == frames


@pytest.mark.parametrize("file", ["a.png", "a.dcm", "a.nii", "a.nii.gz", "a.npy", "a"])
def test_what_is_no_image_is_refused(file):
    with pytest.raises(formats.DecodeError, match=r"^no bytes in the file$"):
        formats.open_image(b"", file, 10**6)
    with pytest.raises(formats.DecodeError, match=r"^not a"):
        formats.open_image(b"patient,diagnosis\n" * 30, file, 10**6)


@pytest.mark.parametrize(
    ("package", "file", "content"),
    [("pydicom", "x/IM1", ct), ("nibabel", "x/a.nii", volume)],
)
def test_a_missing_package_is_named_with_the_file(monkeypatch, package, file, content):
    monkeypatch.setitem(sys.modules, package, None)
    message = f"^{file} needs the package {package}, .* pip install -r requirements-formats.txt$"
    with pytest.raises(UserError, match=message):
        formats.open_image(content(), file, 10**6)
    assert formats.has_image_ending("a.dcm")


def test_endings():
    ending = {".png", ".jpg", ".tif", ".dcm", ".dicom", ".ima", ".nii", ".nii.gz", ".npy", ".npz"}
    assert ending <= formats.endings()
    assert not {".gz", ".pdf", ".eps", ".csv", ".txt", ".h5", ""} & formats.endings()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a/b.PNG", True),
        ("a.b/c.Nii.Gz", True),
        ("a/b.DCM", True),
        ("a/b.gz", False),
        ("a/b.csv", False),
        ("a.png/b", False),
        (".png", False),
    ],
)
def test_endings_of_names(file, expected):
    assert formats.has_image_ending(file) == expected


def test_images_are_known_by_their_ending_or_as_dicom(tmp_path):
    files = {
        "a.png": b"",  # its content is looked at when it is read
        "IM000001": ct(),
        "1.2.840.113619.2.55": ct(),
        "DICOMDIR": ct(),
        "README": b"DICM",
        "notes.txt": b"x" * 500,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "broken").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    found = {path.name for path in tmp_path.iterdir() if formats.is_image(path)}
    assert found == {"a.png", "IM000001", "1.2.840.113619.2.55"}


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "IM1").write_bytes(ct())
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"IM1 can't be read \(Permission denied\)"):
        formats.is_image(tmp_path / "IM1")
