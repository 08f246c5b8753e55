"""What decodes a compressed DICOM file: pydicom itself, Pillow, or a package that is not there.

A file that another package may decode is no damaged file: it raises UserError. A DecodeError would
leave it out, be kept with the decoded images, and still be there when that package is installed.
"""

from __future__ import annotations

from typing import Any

from synthmed_jax.data.formats.opened import DecodeError
from synthmed_jax.data.formats.optional import require
from synthmed_jax.errors import UserError

# The one of pydicom's decoders that reads every way of JPEG, where it is installed.
_COMPLETE = "pylibjpeg"


def check(data: Any, file: str) -> None:
    """Looks whether a file can be decoded, by the fields in its header.

    Args:
      data: pydicom's data set of a file.
      file: its name, for messages.

    Raises:
      UserError: a package is missing.
      DecodeError: there is none for the way in which the file is compressed.
    """
    syntax = data.file_meta.TransferSyntaxUID
    if not syntax.is_compressed or syntax.is_deflated:
        return
    try:
        plugins = require("pydicom.pixels", "").get_decoder(syntax).available_plugins
    except NotImplementedError:
        raise DecodeError(f"compressed as {syntax.name}, which pydicom can't decode") from None
    # Of this syntax the other packages read values of 8 bits alone.
    deep = syntax == require("pydicom.uid", "").JPEGExtended12Bit and data.get("BitsStored") != 8
    if not plugins or (deep and _COMPLETE not in plugins):
        raise UserError(_advice(file, syntax.name + (" of more than 8 bits" if deep else "")))


def other_decoder(data: Any, file: str) -> str:
    """Says which package may read a file if the installed ones fail; "" if none may.

    Pillow, which is always there, reads but a part of JPEG 2000.
    """
    syntax = data.file_meta.TransferSyntaxUID
    if syntax not in require("pydicom.uid", "").JPEG2000TransferSyntaxes:
        return ""
    plugins = require("pydicom.pixels", "").get_decoder(syntax).available_plugins
    return "" if _COMPLETE in plugins else _advice(file, syntax.name)


def _advice(file: str, syntax: str) -> str:
    return (
        f"{file} is compressed as {syntax}, which needs: pip install 'pylibjpeg[all]'; or leave "
        "such files out: --config.data.exclude=<globs>"
    )
