"""DICOM, by pydicom: values after slope and intercept, and the file's own window.

No message quotes a value of the file other than its transfer syntax, and by its name in the
standard the class that it is of: patient fields stay in it.
"""

from __future__ import annotations

import difflib
import io
from typing import Any

import numpy as np

from synthmed_jax.data.formats import colour, dicom_decoders, dicom_deflated
from synthmed_jax.data.formats.opened import (
    EIGHT_BITS,
    DecodeError,
    Kind,
    NoImageError,
    Opened,
    check_finite,
    check_size,
    damage,
)
from synthmed_jax.data.formats.optional import require
from synthmed_jax.data.formats.quiet import quiet
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError

# In DICOM a palette is an image of one value per pixel that stands for a colour.
_PALETTE = "PALETTE COLOR"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def is_dicom(content: bytes) -> bool:
    """Whether a file's bytes (the first 132 are enough) are those of DICOM: PS3.10, 7.1."""
    return content[128:132] == b"DICM"


class Dicom(Opened):
    """A DICOM file with an image or a stack of them.

    Colours and palettes become 8-bit images. Pixels that the file marks as padding are no tissue
    and become as dark as the darkest of the others.
    """

    format = "DICOM"

    def __init__(self, content: bytes, file: str, max_pixels: int) -> None:
        """Reads the file's fields.

        Raises:
          NoImageError: a report, contours, a plan or the like.
          DecodeError: damaged, compressed in a way that pydicom can't decode, larger than
            `max_pixels`, or too large when unpacked.
          UserError: pydicom is not installed, or what decodes the file; names `file`.
        """
        require("pydicom", file)
        self._file, self._max_pixels = file, max_pixels
        with quiet(max_pixels), damage("its header is damaged"):
            dicom_deflated.check(content, max_pixels)
            data = self._data = _read(content)
            _check_image(data)
            self.size = int(data.Columns), int(data.Rows)
            check_size(*self.size, max_pixels)
            self.num_frames = int(data.get("NumberOfFrames") or 1)
            if self.num_frames < 1:
                raise DecodeError(f"DICOM of {self.num_frames} frames: its header is damaged")
            self._photometric = str(data.PhotometricInterpretation)
            dicom_decoders.check(data, file)
            if self._photometric.startswith("MONOCHROME"):
                inverted = self._photometric == "MONOCHROME1"
                self.kind = Kind(f"DICOM {data.get('Modality') or ''}".strip(), inverted)
                self.own_window = _own_window(data)
                self.ends = self._ends()
            else:
                self.kind = EIGHT_BITS
        self._last: tuple[int, np.ndarray] | None = None

    def read(self, frame: int, channels: int) -> np.ndarray:
        """Reads one image; see `Opened.read`."""
        pixels = self._pixels(frame)
        return colour.with_channels(pixels, channels) if self.kind == EIGHT_BITS else pixels

    def _ends(self) -> tuple[float, float] | None:
        """Returns the values of the lowest and the highest pixel that the file can store."""
        data = self._data
        if "PixelData" not in data or "ModalityLUTSequence" in data:
            return None
        count = 2 ** int(data.get("BitsStored") or data.BitsAllocated)
        low = -count // 2 if data.get("PixelRepresentation") else 0
        slope, intercept = self._rescale(0)
        first, last = (slope * stored + intercept for stored in (low, low + count - 1))
        return first, last

    def is_coloured(self, frame: int) -> bool:
        """Whether an image has colours; see `Opened.is_coloured`."""
        return self.kind == EIGHT_BITS and colour.has_colours(self._pixels(frame))

    def _pixels(self, frame: int) -> np.ndarray:
        """Returns u8[H,W,3] or values [H,W]; decodes them unless they were asked for last."""
        if self._last is None or self._last[0] != frame:
            advice = dicom_decoders.other_decoder(self._data, self._file)
            with quiet(self._max_pixels), damage("its pixels are damaged or cut off", advice):
                stored = require("pydicom.pixels", "").pixel_array(self._data, index=frame)
                grey = self.kind != EIGHT_BITS
                pixels = self._grey(stored, frame) if grey else self._colours(stored)
            self._last = frame, pixels
        return self._last[1]

    def _colours(self, stored: np.ndarray) -> np.ndarray:
        bits = int(self._data.BitsStored)
        if self._photometric == _PALETTE:
            stored = require("pydicom.pixels", "").apply_color_lut(stored, self._data)
            bits = 8 * stored.dtype.itemsize
        if stored.dtype != np.uint8 or bits != 8:
            white = float(2**bits - 1)
            stored = np.rint(np.clip(stored * (255 / white), 0, 255)).astype(np.uint8)
        return stored

    def _grey(self, stored: np.ndarray, frame: int) -> np.ndarray:
        data = self._data
        values = stored
        if "ModalityLUTSequence" in data:
            values = require("pydicom.pixels", "").apply_modality_lut(stored, data)
        else:
            slope, intercept = self._rescale(frame)
            if (slope, intercept) != (1, 0):
                values = stored * slope + intercept
        check_finite(values)
        padding = _padding(data, stored)
        if padding.any() and not padding.all():
            tissue = values[~padding]
            values = np.array(values)
            values[padding] = tissue.max() if self.kind.inverted else tissue.min()
        return values

    def _rescale(self, frame: int) -> tuple[float, float]:
        """Returns slope and intercept, which make a frame's pixels values in a unit."""
        fields = _macro(self._data, frame, "PixelValueTransformationSequence")
        slope = fields.get("RescaleSlope")
        if slope is None:
            slope = self._data.get("DoseGridScaling")  # of radiotherapy doses, instead of a slope
        intercept = fields.get("RescaleIntercept")
        return float(1 if slope is None else slope), float(intercept or 0)


def read_tag(content: bytes, keyword: str) -> str:
    """Returns a field of a DICOM file as text, such as PatientID; "" if it is absent or empty.

    Raises:
      DecodeError: not a DICOM file, or damaged.
      UserError: DICOM has no field of that name, or pydicom is not installed.
    """
    field = f"split.group_by=dicom:{keyword}"
    names = require("pydicom.datadict", field).keyword_dict
    if keyword not in names:
        lower = {name.lower(): name for name in names if name}
        near = difflib.get_close_matches(keyword.lower(), lower, n=3)
        hint = f"; near it are {', '.join(lower[name] for name in near)}" if near else ""
        raise UserError(
            f"{field}: DICOM has no field of this name{hint}. Such as PatientID, StudyInstanceUID "
            "or SeriesInstanceUID are usual"
        )
    with quiet(), damage("its header is damaged"):
        dicom_deflated.check(content, DataSettings.max_pixels)
        value = _read(content, keyword).get(keyword)
        parts = value if type(value).__name__ == "MultiValue" else [value]
        text = "\\".join("" if part is None else str(part) for part in parts)
    return text.strip(" \0")


def _read(content: bytes, keyword: str | None = None) -> Any:
    """Returns pydicom's data set of a file, or only its field `keyword`."""
    pydicom = require("pydicom", "a DICOM file")
    data = pydicom.dcmread(
        io.BytesIO(content),
        # Old files lack the first 132 bytes; whether it is one is seen by what is in it.
        force=not is_dicom(content),
        stop_before_pixels=keyword is not None,
        specific_tags=None if keyword is None else ["SOPClassUID", keyword],
    )
    if not is_dicom(content) and "SOPClassUID" not in data:
        raise DecodeError("not a DICOM file")
    if "TransferSyntaxUID" not in data.file_meta:
        # pydicom has found out by looking how the fields are written.
        implicit, little = data.original_encoding
        data.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian
            if implicit
            else pydicom.uid.ExplicitVRLittleEndian
            if little
            else pydicom.uid.ExplicitVRBigEndian
        )
    return data


def _check_image(data: Any) -> None:
    """Raises an error unless a file has pixels: NoImageError where it is not to have any."""
    if any(keyword in data for keyword in _PIXELS):
        needed = ("Rows", "Columns", "BitsAllocated", "PhotometricInterpretation")
        if not all(data.get(keyword) for keyword in needed):
            raise DecodeError("DICOM with pixels that no field describes")
        return
    uid = data.get("SOPClassUID") or data.file_meta.get("MediaStorageSOPClassUID")
    name = require("pydicom.uid", "").UID_dictionary.get(uid, ("",))[0]
    if not name or "Image Storage" in name:  # as CT Image Storage
        raise DecodeError("DICOM without an image" + (f", which {name} is to have" if name else ""))
    raise NoImageError(f"DICOM of the class {name}")


def _macro(data: Any, frame: int, sequence: str) -> Any:
    """Returns where a frame's fields of one sort are: its own, those of all frames, the file's.

    Enhanced multi-frame objects keep them in sequences: PS3.3, C.7.6.16.
    """
    frames = data.get("PerFrameFunctionalGroupsSequence") or ()
    shared = data.get("SharedFunctionalGroupsSequence") or ()
    for groups in (*frames[frame : frame + 1], *shared[:1]):
        if groups.get(sequence):
            return groups.get(sequence)[0]
    return data


def _padding(data: Any, stored: np.ndarray) -> np.ndarray:
    """Returns bool[H,W], the pixels that are padding: PS3.3, C.7.5.1.1.2."""
    value = data.get("PixelPaddingValue")
    if not isinstance(value, int) or stored.dtype.kind == "f":
        return np.zeros(stored.shape, bool)
    limit = data.get("PixelPaddingRangeLimit")
    # Some devices write the bits of a negative value as those of a positive one.
    bounds = np.array([value, limit if isinstance(limit, int) else value]).astype(stored.dtype)
    return (stored >= bounds.min()) & (stored <= bounds.max())


def _own_window(data: Any) -> tuple[float, float] | None:
    """Returns the values of black and white by the file's first window: PS3.3, C.11.2.1.2."""
    fields = _macro(data, 0, "FrameVOILUTSequence")
    centers, widths = (_numbers(fields.get(k)) for k in ("WindowCenter", "WindowWidth"))
    if not centers or not widths:
        return None
    center, width = centers[0], widths[0]
    if str(fields.get("VOILUTFunction") or "LINEAR") == "LINEAR":
        # A window of width w holds w whole values: the first is black, the last white.
        center, width = center - 0.5, width - 1
    return (center - width / 2, center + width / 2) if width > 0 else None


def _numbers(value: Any) -> list[float]:
    """Returns the numbers of a field that holds none, one or several."""
    if value is None or value == "":
        return []
    return [float(v) for v in value] if hasattr(value, "__iter__") else [float(value)]
