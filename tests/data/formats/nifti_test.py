import gzip
import itertools
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest

from synthmed_jax.data.formats import nifti
from synthmed_jax.data.formats.opened import DecodeError, Kind
from synthmed_jax.errors import UserError

STORED = Path(nibabel.__file__).parent / "tests" / "data"
# Sides of right, anterior and superior that differ, so that mixed-up axes show.
CANONICAL = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)


def encode(volume: np.ndarray, axes: str = "RAS", image=nibabel.Nifti1Image) -> bytes:
    """A file of a volume given in the order right, anterior, superior, stored in that of `axes`."""
    canonical = nibabel.orientations.axcodes2ornt("RAS")
    turn = nibabel.orientations.ornt_transform(canonical, nibabel.orientations.axcodes2ornt(axes))
    affine = nibabel.orientations.inv_ornt_aff(turn, volume.shape[:3])
    return image(nibabel.orientations.apply_orientation(volume, turn), affine).to_bytes()


def open_(content: bytes, axis: int = 2) -> nifti.Nifti:
    return nifti.Nifti(content, "a.nii", 10**6, axis)


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [("anatomical.nii", (33, 41), 25), ("standard.nii.gz", (4, 5), 7)],
)
def test_stored_files(name, size, frames):
    opened = open_((STORED / name).read_bytes())
    assert (opened.format, opened.kind) == ("NIfTI", Kind("NIfTI"))
    assert (opened.size, opened.num_frames) == (size, frames)
    expected = nibabel.as_closest_canonical(nibabel.load(STORED / name)).get_fdata()
    for frame in (frames - 1, 0, frames // 2):
        values = opened.read(frame, 1)
        assert values.dtype == np.float32
        # Rows go from the front of the patient to the back, columns from left to right.
        np.testing.assert_allclose(values, expected[:, ::-1, frame].T, rtol=1e-6)
        assert not opened.is_coloured(frame)


@pytest.mark.parametrize("image", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("axes", ["RAS", "LPS", "LAS", "PIR", "SLA"])
def test_slices_are_upright_however_a_volume_is_stored(axes, zipped, image):
    content = encode(CANONICAL, axes, image)
    content = gzip.compress(content) if zipped else content
    for axis in range(3):
        opened = open_(content, axis)
        rest = [side for index, side in enumerate((2, 3, 4)) if index != axis]
        assert (opened.num_frames, *opened.size) == ((2, 3, 4)[axis], *rest)
        for frame in range(opened.num_frames):
            upright = np.take(CANONICAL, frame, axis)[:, ::-1].T
            np.testing.assert_array_equal(opened.read(frame, 1), upright)


def test_values_are_scaled():
    image = nibabel.Nifti1Image(CANONICAL, np.eye(4))
    image.header.set_slope_inter(0.5, -3)
    opened = open_(image.to_bytes())
    header = nibabel.Nifti1Image.from_bytes(image.to_bytes())
    np.testing.assert_allclose(opened.read(3, 1), header.get_fdata()[:, ::-1, 3].T, rtol=1e-6)


def test_extensions_of_a_compressed_header_do_no_harm():
    image = nibabel.Nifti1Image(CANONICAL, np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"x" * 5000))
    opened = open_(gzip.compress(image.to_bytes()))
    np.testing.assert_array_equal(opened.read(0, 1), CANONICAL[:, ::-1, 0].T)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 1, 1), (2, 3, 4, 1)])
def test_axes_of_length_one_do_not_count(shape):
    volume = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    opened = open_(nibabel.Nifti1Image(volume, np.eye(4)).to_bytes())
    slices = volume.reshape(2, 3, -1)
    assert (opened.size, opened.num_frames) == ((2, 3), slices.shape[2])
    for frame in range(opened.num_frames):
        np.testing.assert_array_equal(opened.read(frame, 1), slices[:, ::-1, frame].T)


def test_what_is_not_one_volume_is_refused():
    for name in ("example4d.nii.gz", "example_nifti2.nii.gz"):
        with pytest.raises(DecodeError, match="4 dimensions, with 2 volumes: save those"):
            open_((STORED / name).read_bytes())
    colours = np.zeros((2, 3, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for values in (colours, np.zeros((2, 3, 4), np.complex64)):
        with pytest.raises(DecodeError, match="no grey levels"):
            open_(nibabel.Nifti1Image(values, np.eye(4)).to_bytes())
    with pytest.raises(DecodeError, match="not a NIfTI volume"):
        open_(b"plain text" * 100)


def test_values_that_are_not_finite_are_refused():
    opened = open_(encode(np.full((2, 3, 4), np.nan, np.float32)))
    with pytest.raises(DecodeError, match="not finite"):
        opened.read(0, 1)


def test_damaged_files_are_refused():
    content = encode(np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16))
    for whole, part in itertools.product((content, gzip.compress(content)), (0.01, 0.5, 0.9)):
        with pytest.raises(DecodeError):
            open_(whole[: int(part * len(whole))]).read(19, 1)


def test_slices_that_are_too_large_are_refused():
    with pytest.raises(DecodeError, match=r"3 x 4 pixels, more than data\.max_pixels=11"):
        nifti.Nifti(encode(CANONICAL), "a.nii", 11, 0)


def test_a_missing_package_is_an_error_of_its_own(monkeypatch):
    monkeypatch.setitem(nifti.require.__globals__["importlib"].sys.modules, "nibabel", None)
    with pytest.raises(UserError, match=r"^a\.nii needs the package nibabel"):
        open_(b"")


def test_what_follows_a_volume_is_not_unpacked():
    content = gzip.compress(encode(CANONICAL) + bytes(2**26))
    tracemalloc.start()
    opened = nifti.Nifti(content, "a.nii.gz", 10**6, 2)
    assert opened.read(0, 1).shape == (3, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_sides_below_one_are_refused():
    content = bytearray(encode(CANONICAL))
    content[42:44] = (-2).to_bytes(2, "little", signed=True)
    with pytest.raises(DecodeError):
        nifti.Nifti(bytes(content), "a.nii", 10**6, 2)


def test_a_volume_that_would_fill_the_memory_is_refused_by_its_header():
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((100, 100, 30_000))
    header["vox_offset"], header["magic"] = 352, b"n+1"
    header.set_sform(np.eye(4), 1)
    zeros = gzip.compress(bytes(2**24))
    content = gzip.compress(header.binaryblock + bytes(4)) + 40 * zeros
    tracemalloc.start()
    with pytest.raises(DecodeError, match=r"^0\.6 GB when unpacked, more than 16 bytes for each"):
        open_(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21
    assert nifti.Nifti(content, "a.nii.gz", 40_000_000, 2).num_frames == 30_000
