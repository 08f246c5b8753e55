import io
import logging
import warnings

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from synthmed_jax.data.formats import dicom
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Kind, NoImageError
from synthmed_jax.errors import UserError

PATIENT = "Mustermann^Erika"
RAMP = np.arange(12, dtype=np.int16).reshape(3, 4) * 100


def stored(name: str) -> bytes:
    with open(str(pydicom.data.get_testdata_file(name, download=False)), "rb") as stream:
        return stream.read()


def encode(pixels: np.ndarray = RAMP, **fields) -> bytes:
    """A DICOM file of pixels [H,W] or [K,H,W]; `fields` are added or replace the usual ones."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    data.PatientName, data.PatientID, data.Modality = PATIENT, "P 007", "CT"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        data.NumberOfFrames = len(pixels)
    data.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    data["PixelData"].VR = "OW"
    for name, value in fields.items():
        setattr(data, name, value)
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def item(**fields) -> Dataset:
    data = Dataset()
    for name, value in fields.items():
        setattr(data, name, value)
    return data


def open_(content: bytes) -> dicom.Dicom:
    return dicom.Dicom(content, "a.dcm", 10**6)


@pytest.mark.parametrize(
    ("name", "kind", "size", "frames", "low", "high"),
    [
        ("CT_small.dcm", "DICOM CT", (128, 128), 1, -896, 1167),  # 128 and 2191, less 1024
        ("MR_small.dcm", "DICOM MR", (64, 64), 1, 127, 2145),
        ("MR_small_RLE.dcm", "DICOM MR", (64, 64), 1, 127, 2145),
        ("MR_small_bigendian.dcm", "DICOM MR", (64, 64), 1, 127, 2145),
        ("MR_small_implicit.dcm", "DICOM MR", (64, 64), 1, 127, 2145),
        ("MR_small_jp2klossless.dcm", "DICOM MR", (64, 64), 1, 127, 2145),
        ("image_dfl.dcm", "DICOM OT", (512, 512), 1, 0, 255),
        ("rtdose.dcm", "DICOM RTDOSE", (10, 10), 15, 0.795, 1.254),  # times DoseGridScaling
        ("liver_1frame.dcm", "DICOM SEG", (512, 512), 1, 0, 1),
    ],
)
def test_grey_files(name, kind, size, frames, low, high):
    opened = open_(stored(name))
    assert (opened.format, opened.kind) == ("DICOM", Kind(kind))
    assert (opened.size, opened.num_frames) == (size, frames)
    values = opened.read(0, 3)
    assert values.shape == size[::-1]
    assert (values.min(), values.max()) == pytest.approx((low, high))
    assert not opened.is_coloured(0)


@pytest.mark.parametrize(
    ("name", "size", "frames", "coloured"),
    [
        ("SC_rgb_small_odd.dcm", (3, 3), 1, True),
        ("SC_rgb_rle_2frame.dcm", (100, 100), 2, True),
        ("SC_rgb_rle_16bit_2frame.dcm", (100, 100), 2, True),
        ("SC_ybr_full_422_uncompressed.dcm", (100, 100), 1, True),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", (100, 100), 1, True),
        ("examples_palette.dcm", (800, 350), 1, True),
        ("examples_ybr_color.dcm", (320, 240), 30, False),
    ],
)
def test_files_of_colours(name, size, frames, coloured):
    opened = open_(stored(name))
    assert opened.kind == EIGHT_BITS
    assert (opened.size, opened.num_frames) == (size, frames)
    for frame in (frames - 1, 0):
        pixels = opened.read(frame, 3)
        assert (pixels.dtype, pixels.shape) == (np.uint8, (*size[::-1], 3))
        assert opened.read(frame, 1).shape == (*size[::-1], 1)
        assert opened.is_coloured(frame) == coloured


@pytest.mark.parametrize(
    "name",
    ["SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_32bit.dcm",
     "SC_ybr_full_422_uncompressed.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_jpeg_dcmtk.dcm",
     "SC_rgb_gdcm_KY.dcm"],
)  # fmt: skip
def test_the_same_picture_has_the_same_colours_however_it_is_stored(name):
    # Bars of 10 rows: red, green, blue, cyan, magenta, ..., pydicom's own test picture.
    pixels = open_(stored(name)).read(0, 3)
    found = pixels[[5, 25, 45], 50].astype(int)
    np.testing.assert_allclose(found, [[255, 0, 0], [0, 255, 0], [0, 0, 255]], atol=5)


def test_slope_intercept_and_inversion():
    opened = open_(
        encode(RescaleSlope=2, RescaleIntercept=-1024, PhotometricInterpretation="MONOCHROME1")
    )
    assert opened.kind == Kind("DICOM CT", inverted=True)
    np.testing.assert_array_equal(opened.read(0, 1), RAMP * 2.0 - 1024)


def test_enhanced_files_have_a_slope_per_frame():
    frames = np.stack([RAMP, RAMP + 1])
    groups = [
        item(
            PixelValueTransformationSequence=Sequence(
                [item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US")]
            )
        )
        for slope, intercept in ((2, 0), (3, -10))
    ]
    window = item(FrameVOILUTSequence=Sequence([item(WindowCenter=[50, 9], WindowWidth=[101, 9])]))
    opened = open_(
        encode(
            frames,
            PerFrameFunctionalGroupsSequence=Sequence(groups),
            SharedFunctionalGroupsSequence=Sequence([window]),
        )
    )
    assert opened.num_frames == 2
    np.testing.assert_array_equal(opened.read(1, 1), (RAMP + 1) * 3.0 - 10)
    np.testing.assert_array_equal(opened.read(0, 1), RAMP * 2.0)
    assert opened.own_window == (-0.5, 99.5)


@pytest.mark.parametrize(
    ("fields", "window"),
    [
        ({}, None),
        ({"WindowCenter": 40}, None),
        # Examples of PS3.3, C.11.2.1.2.1: the whole range of 8 bits, and a threshold.
        ({"WindowCenter": 2048, "WindowWidth": 4096}, (0, 4095)),
        ({"WindowCenter": 2048, "WindowWidth": 1}, None),
        ({"WindowCenter": [40, -600], "WindowWidth": [400, 1500]}, (-160, 239)),
        ({"WindowCenter": 40, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"}, (-160, 240)),
    ],
)
def test_own_window(fields, window):
    assert open_(encode(**fields)).own_window == window


@pytest.mark.parametrize(
    ("photometric", "value", "filled"),
    [("MONOCHROME2", -2000, 20), ("MONOCHROME1", -2000, 30), ("MONOCHROME2", 63536, 20)],
)
def test_padding_is_as_dark_as_the_darkest_tissue(photometric, value, filled):
    pixels = np.array([[-2000, 20, 30]], np.int16)
    content = bytearray(
        encode(pixels, PixelPaddingValue=-2000, PhotometricInterpretation=photometric)
    )
    if value > 0:  # as some devices write it: the same bits, said to have no sign
        where = content.index(b"\x28\x00\x20\x01SS")
        content[where + 4 : where + 6] = b"US"
    assert open_(bytes(content)).read(0, 1).tolist() == [[filled, 20, 30]]


def test_a_range_of_padding_and_an_image_of_nothing_else():
    pixels = np.array([[-2000, -1990, 20]], np.int16)
    fields = {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1900}
    assert open_(encode(pixels, **fields)).read(0, 1).tolist() == [[20, 20, 20]]
    assert open_(encode(pixels[:, :2], **fields)).read(0, 1).tolist() == [[-2000, -1990]]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("UN_sequence.dcm", "DICOM without an image, which CT Image Storage is to have"),
        ("empty_charset_LEI.dcm", "DICOM without an image"),
        ("priv_SQ.dcm", "DICOM without an image, which MR Image Storage is to have"),
        ("nested_priv_SQ.dcm", "DICOM with pixels that no field describes"),
        ("no_meta.dcm", "not a DICOM file"),
        ("README.txt", "not a DICOM file"),
        ("MR_truncated.dcm", r"its pixels are damaged or cut off \(ValueError\)"),
        ("badVR.dcm", r"its header is damaged \(ValueError\)"),
    ],
)
def test_what_can_not_be_read_is_refused_with_a_reason(name, reason):
    with pytest.raises(DecodeError, match=f"^{reason}$"):
        open_(stored(name)).read(0, 1)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("rtstruct.dcm", "RT Structure Set Storage"),
        ("rtplan.dcm", "RT Plan Storage"),
        ("rtplan_truncated.dcm", "RT Plan Storage"),
        ("test-SR.dcm", "Comprehensive SR Storage"),
        ("reportsi.dcm", "Basic Text SR Storage"),
        ("waveform_ecg.dcm", "12-lead ECG Waveform Storage"),
        ("DICOMDIR-nooffset", "Media Storage Directory Storage"),
    ],
)
def test_files_that_are_no_images_are_not_damaged(name, what):
    with pytest.raises(NoImageError, match=f"^DICOM of the class {what}$"):
        open_(stored(name))


@pytest.mark.parametrize(
    ("sop_class", "what"),
    [
        (uid.GrayscaleSoftcopyPresentationStateStorage, "Grayscale Softcopy Presentation State"),
        (uid.KeyObjectSelectionDocumentStorage, "Key Object Selection Document"),
        (uid.RTDoseStorage, "RT Dose"),  # of which only the histogram was exported
    ],
)
def test_other_files_without_pixels_are_not_damaged(sop_class, what):
    data = pydicom.dcmread(io.BytesIO(encode(SOPClassUID=sop_class)))
    del data.PixelData
    stream = io.BytesIO()
    data.save_as(stream)
    with pytest.raises(NoImageError, match=f"^DICOM of the class {what} Storage$"):
        open_(stream.getvalue())


@pytest.mark.parametrize(
    "name", ["MR_truncated.dcm", "JPEG2000-embedded-sequence-delimiter.dcm", "badVR.dcm"]
)
def test_a_failure_is_said_in_one_sentence_only(name, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises((DecodeError, UserError)):
        open_(stored(name)).read(0, 1)
    assert caplog.text == ""


def test_images_that_are_too_large_are_refused():
    with pytest.raises(DecodeError, match=r"4 x 3 pixels, more than data\.max_pixels=11"):
        dicom.Dicom(encode(), "a.dcm", 11)


def test_a_missing_package_is_an_error_of_its_own(monkeypatch):
    monkeypatch.setitem(dicom.require.__globals__["importlib"].sys.modules, "pydicom", None)
    with pytest.raises(UserError, match=r"^a\.dcm needs the package pydicom"):
        open_(encode())


def test_nothing_of_the_patient_is_said(caplog, capfd):
    # A number that no such field may have: pydicom warns of it and quotes it.
    bad = encode(WindowCenter=1, WindowWidth=2).replace(b"1.2.3.4\0", b"MUSTERM\0")
    with warnings.catch_warnings(record=True) as heard, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        assert dicom.read_tag(bad, "SOPInstanceUID") == "MUSTERM"
        messages = []
        for cut in range(132, len(bad), 7):
            try:
                open_(bad[:cut]).read(0, 1)
            except DecodeError as error:
                messages.append(str(error))
    assert len(messages) > 20
    said = " ".join([*messages, *map(str, heard), caplog.text, *capfd.readouterr()])
    assert "muster" not in said.lower()
    assert "007" not in said


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "P 007"),
        ("Modality", "CT"),
        ("Rows", "3"),
        ("StudyInstanceUID", ""),
        ("PatientAge", ""),
        ("ImageType", "ORIGINAL\\PRIMARY"),
        ("InstanceNumber", "0"),
    ],
)
def test_a_field_is_read_as_text(keyword, value):
    content = encode(PatientAge="", ImageType=["ORIGINAL", "PRIMARY"], InstanceNumber=0)
    assert dicom.read_tag(content, keyword) == value


def test_a_field_of_a_file_without_the_first_bytes():
    assert dicom.read_tag(stored("rtstruct.dcm"), "Modality") == "RTSTRUCT"


def test_a_field_that_dicom_lacks_is_refused_with_names_near_it():
    with pytest.raises(
        UserError, match=r"^split\.group_by=dicom:PatientId: .* near it are PatientID"
    ):
        dicom.read_tag(encode(), "PatientId")
    with pytest.raises(DecodeError, match="not a DICOM file"):
        dicom.read_tag(b"plain text" * 30, "PatientID")


def test_a_number_of_frames_below_one_is_damage():
    with pytest.raises(DecodeError, match="DICOM of -3 frames: its header is damaged"):
        open_(encode(NumberOfFrames=-3))
