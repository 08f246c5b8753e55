"""Small valid images in every format that is read, drawn in code."""

from __future__ import annotations

import functools
import gzip
import io
from typing import Any

import nibabel
import numpy as np
import pydicom
import tifffile
from PIL import Image, PngImagePlugin
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from tests.fuzz.engine import Seed

_GREY = (np.arange(12 * 10).reshape(12, 10) * 2).astype(np.uint8)
_DEEP = _GREY.astype(np.uint16) * 200
_COLOUR = np.stack([_GREY, _GREY[::-1], 255 - _GREY], axis=-1)


@functools.cache
def images() -> tuple[Seed, ...]:
    """One or more files of each format."""
    return (*_pillow(), *_tiffs(), *_arrays(), *_dicoms(), *_niftis())


def _saved(pixels: np.ndarray, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def _pillow() -> list[Seed]:
    palette = io.BytesIO()
    Image.fromarray(_COLOUR).quantize(8).save(palette, "PNG", transparency=0)
    alpha = np.dstack([_COLOUR, _GREY])
    exif = Image.Exif()
    exif[274] = 6  # turned by a quarter
    text = PngImagePlugin.PngInfo()
    text.add_text("note", "made of " * 9, zip=True)
    more = [Image.fromarray(255 - _GREY), Image.fromarray(_GREY.T.copy())]
    return [
        Seed("a.png", _saved(_GREY, "PNG", pnginfo=text)),
        Seed("b.png", _saved(_DEEP, "PNG")),
        Seed("c.png", _saved(alpha, "PNG", exif=exif)),
        Seed("d.png", palette.getvalue()),
        Seed("e.png", _saved(_GREY, "PNG", save_all=True, append_images=more[:1])),
        Seed("a.jpg", _saved(_COLOUR, "JPEG", exif=exif)),
        Seed("b.jpg", _saved(_GREY, "JPEG", progressive=True)),
        Seed("a.bmp", _saved(_COLOUR, "BMP")),
        Seed("b.bmp", _saved(_GREY, "BMP")),
        Seed("a.gif", _saved(_GREY, "GIF", save_all=True, append_images=more, disposal=2)),
        Seed("a.pgm", b"P5 10 12 255\n" + _GREY.tobytes()),
        Seed("b.pgm", b"P5 10 12 65535\n" + _DEEP.astype(">u2").tobytes()),
        Seed("c.pgm", b"P2\n3 2\n255\n0 1 2\n3 4 255\n"),
        Seed("a.ico", _saved(_COLOUR, "ICO", sizes=[(10, 12)])),
        Seed("a.webp", _saved(_COLOUR, "WEBP")),
    ]


def _tiffs() -> list[Seed]:
    def deep(values: np.ndarray, **options: Any) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, values, **options)
        return file.getvalue()

    stack = np.stack([_DEEP, _DEEP[::-1]])
    return [
        Seed("a.tif", _saved(_GREY, "TIFF")),
        Seed("b.tif", _saved(_COLOUR, "TIFF", compression="tiff_lzw")),
        Seed("c.tif", _saved(_DEEP, "TIFF", compression="tiff_adobe_deflate")),
        Seed("d.tif", deep(stack, photometric="minisblack")),
        Seed("e.tif", deep(_GREY.astype(np.float64), byteorder=">")),
        Seed("f.tif", deep(_GREY.astype(np.int32), byteorder=">", compression="zlib")),
        Seed("g.tif", deep(_GREY.astype(np.float32), bigtiff=True, tile=(16, 16))),
    ]


def _arrays() -> list[Seed]:
    def saved(array: np.ndarray) -> bytes:
        file = io.BytesIO()
        np.save(file, array)
        return file.getvalue()

    packed, squeezed = io.BytesIO(), io.BytesIO()
    np.savez(packed, images=_GREY)
    np.savez_compressed(squeezed, images=np.stack([_DEEP, _DEEP]))
    return [
        Seed("a.npy", saved(_GREY)),
        Seed("b.npy", saved(np.stack([_DEEP, _DEEP]))),
        Seed("c.npy", saved(_COLOUR)),
        Seed("d.npy", saved(_GREY.astype(np.float32) / 7)),
        Seed("e.npy", saved(_GREY > 99)),
        Seed("f.npy", saved(_GREY.astype(np.longdouble))),
        Seed("g.npy", saved(np.array(3.5))),
        Seed("a.npz", packed.getvalue()),
        Seed("b.npz", squeezed.getvalue()),
    ]


def _dicom(pixels: np.ndarray, syntax: str = uid.ExplicitVRLittleEndian, **fields: Any) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    kind = uid.SecondaryCaptureImageStorage
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = kind
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    data.PatientName, data.PatientID, data.Modality = "Mustermann^Erika", "P 007", "CT"
    data.SamplesPerPixel = pixels.shape[-1] if pixels.ndim == 4 else 1
    data.PhotometricInterpretation = "RGB" if pixels.ndim == 4 else "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[1:3]
    data.NumberOfFrames = len(pixels)
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    if pixels.ndim == 4:
        data.PlanarConfiguration = 0
    for name, value in fields.items():
        setattr(data, name, value)
    return data


def _dicoms() -> list[Seed]:
    def saved(data: Dataset) -> bytes:
        file = io.BytesIO()
        data.save_as(file, enforce_file_format=True)
        return file.getvalue()

    deep, grey = _DEEP.astype(np.int16)[None], _GREY[None]
    slope = {"RescaleSlope": "2.5", "RescaleIntercept": "-1024", "PixelPaddingValue": 200}
    window = {"WindowCenter": ["40", "50"], "WindowWidth": ["400", "10"]}
    packed = _dicom(deep)
    packed.compress(uid.RLELossless)
    jpeg = _dicom(grey, uid.JPEGBaseline8Bit)
    jpeg.PixelData = pydicom.encaps.encapsulate([_saved(_GREY, "JPEG")])
    jpeg["PixelData"].is_undefined_length = True
    palette = {
        "PhotometricInterpretation": "PALETTE COLOR",
        **{
            f"{colour}PaletteColorLookupTable{part}": value
            for colour in ("Red", "Green", "Blue")
            for part, value in (("Descriptor", [256, 0, 8]), ("Data", bytes(range(256))))
        },
    }
    frames = Dataset()
    frames.PixelValueTransformationSequence = [Dataset()]
    frames.PixelValueTransformationSequence[0].RescaleSlope = "3"
    frames.PixelValueTransformationSequence[0].RescaleIntercept = "1"
    several = _dicom(np.stack([_DEEP] * 2), PerFrameFunctionalGroupsSequence=[frames, frames])
    without = saved(_dicom(deep))[132:]
    return [
        Seed("a.dcm", saved(_dicom(deep, **slope, **window))),
        Seed("b.dcm", saved(_dicom(grey, uid.ImplicitVRLittleEndian, **window))),
        Seed("c.dcm", saved(_dicom(np.stack([_COLOUR] * 2)))),
        Seed("d.dcm", saved(packed)),
        Seed("e.dcm", saved(jpeg)),
        Seed("f.dcm", saved(_dicom(grey, **palette))),
        Seed("g.dcm", saved(several)),
        Seed("h.dcm", saved(_dicom(deep, uid.DeflatedExplicitVRLittleEndian))),
        Seed("i.dcm", without),
        Seed("j", saved(_dicom(grey, PhotometricInterpretation="MONOCHROME1"))),
    ]


def _niftis() -> list[Seed]:
    volume = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    plain = nibabel.Nifti1Image(volume, np.diag([-1, 1, 2, 1])).to_bytes()
    floats = nibabel.Nifti2Image(volume.astype(np.float32), np.eye(4)).to_bytes()
    return [
        Seed("a.nii", plain),
        Seed("b.nii.gz", gzip.compress(plain, mtime=0)),
        Seed("c.nii", floats),
    ]
