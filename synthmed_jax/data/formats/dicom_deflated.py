"""DICOM files that are compressed as a whole: pydicom would unpack them whatever their size."""

import zlib

from synthmed_jax.data.formats.opened import check_unpacked

# The element that names the transfer syntax: tag, type, length and value.
_DEFLATED = b"\x02\0\x10\0UI\x16\0" + b"1.2.840.10008.1.2.1.99"
# Where the file meta information begins, behind the first 128 bytes and "DICM": PS3.10, 7.1. Its
# first element, of 12 bytes, gives the length of the others, and these name the transfer syntax.
_META = 132
_CHUNK = 2**20


def check(content: bytes, max_pixels: int) -> None:
    """Raises DecodeError if a file of the deflated transfer syntax would take much memory.

    Args:
      content: the file as it is on disk; of another transfer syntax it is not looked at.
      max_pixels: the most pixels of an image; see `opened.check_unpacked`.
    """
    start = _META + 12 + int.from_bytes(content[_META + 8 : _META + 12], "little")
    if _DEFLATED not in content[_META:start]:
        return
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    size, rest = 0, content[start:]
    while rest and not unpacker.eof:
        size += len(unpacker.decompress(rest, _CHUNK))
        rest = unpacker.unconsumed_tail
        check_unpacked(size, len(content), max_pixels)
