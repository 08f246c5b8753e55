import io
import tracemalloc
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, SecondaryCaptureImageStorage

from synthmed_jax.data.formats import dicom
from synthmed_jax.data.formats.opened import DecodeError

PIXELS = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)


def encode(pixels: np.ndarray = PIXELS) -> bytes:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    data.PatientID = "P 007"
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def bomb() -> bytes:
    """A file whose compressed part goes on with 2 GiB of zeros."""
    content = encode()
    start = 144 + int.from_bytes(content[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = packer.compress(zlib.decompress(content[start:], -zlib.MAX_WBITS))
    first += packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers to what came before: a block may be repeated.
    zeros = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    return content[:start] + first + 128 * zeros + packer.flush(zlib.Z_FINISH)


def test_deflated_files_are_read():
    opened = dicom.Dicom(encode(), "a.dcm", PIXELS.size)
    np.testing.assert_array_equal(opened.read(0, 1), PIXELS)
    assert dicom.read_tag(encode(), "PatientID") == "P 007"


def test_what_would_fill_the_memory_is_refused():
    content = bomb()
    tracemalloc.start()
    with pytest.raises(DecodeError, match=r"GB when unpacked, more than 16 bytes for each of"):
        dicom.Dicom(content, "a.dcm", 10**6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(content) + 2**23


def test_a_damaged_one_is_refused():
    content = encode()
    for damaged in (content[:-200], content[:-200] + bytes(200)):
        with pytest.raises(DecodeError, match="damaged"):
            dicom.Dicom(damaged, "a.dcm", 10**6).read(0, 1)
    assert pydicom.dcmread(io.BytesIO(content)).PatientID == "P 007"
