import io
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom import uid

from synthmed_jax.data.formats import dicom, dicom_decoders
from synthmed_jax.data.formats.opened import DecodeError
from synthmed_jax.errors import UserError


def stored(name: str) -> bytes:
    return Path(str(pydicom.data.get_testdata_file(name, download=False))).read_bytes()


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        # A file that another package reads is not damaged: it is not left out as if it were.
        ("MR_small_jpeg_ls_lossless.dcm", "JPEG-LS Lossless Image Compression"),
        # Pillow reads such files as a rule, but not those of 12 bits.
        ("JPEG-lossy.dcm", r"JPEG Extended \(Process 2 and 4\) of more than 8 bits"),
        # Pillow reads most of these.
        ("GDCMJ2K_TextGBR.dcm", r"JPEG 2000 Image Compression \(Lossless Only\)"),
    ],
)
def test_a_decoder_that_is_missing_is_named(name, syntax):
    if pydicom.pixels.get_decoder(
        pydicom.dcmread(io.BytesIO(stored(name))).file_meta["TransferSyntaxUID"].value
    ).available_plugins not in ((), ("pillow",)):
        pytest.skip("a decoder is installed")
    needs = rf"^a\.dcm is compressed as {syntax}, which needs: pip install 'pylibjpeg\[all\]'"
    with pytest.raises(UserError, match=needs):
        dicom.Dicom(stored(name), "a.dcm", 10**6).read(0, 1)


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "image_dfl.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm"]
)
def test_nothing_is_missing_for_other_files(name):
    data = pydicom.dcmread(io.BytesIO(stored(name)))
    dicom_decoders.check(data, "a.dcm")
    assert dicom_decoders.other_decoder(data, "a.dcm") == ""


def test_what_no_package_decodes_is_no_usable_image():
    data = pydicom.dcmread(io.BytesIO(stored("CT_small.dcm")))
    data.file_meta.TransferSyntaxUID = uid.MPEG2MPML
    with pytest.raises(DecodeError, match=r"^compressed as MPEG2 .*, which pydicom can't decode$"):
        dicom_decoders.check(data, "a.dcm")
