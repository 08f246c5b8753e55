"""Files that are written whole or not at all, and hashes of their content."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes a file whole or not at all (temporary file beside it, then a rename)."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes UTF-8 text whole or not at all; line ends stay as they are.

    Names of files may hold bytes that are not UTF-8: they are written as \\udcXX.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: pathlib.Path, value: object) -> None:
    """Writes JSON whole or not at all; NaN is a ValueError, since JSON has none.

    The text is written piece by piece, so that a long one takes no memory.
    """
    pieces = json.JSONEncoder(indent=1, allow_nan=False).iterencode(value)
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        stream.writelines(pieces)
        stream.write("\n")


def write_array(path: pathlib.Path, array: np.ndarray) -> None:
    """Writes a .npy file whole or not at all."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    write_bytes(path, file.getvalue())


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file, in UTF-8."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Names a temporary file beside `path`, which replaces it at the end, unless an error rose."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be writing the same file of a shared cache.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_room(path: pathlib.Path, size: int) -> None:
    """Looks whether the device of a file or folder to be written has room for it.

    A library that runs into a full disk with many threads tells of it a hundred times.

    Args:
      path: may be there or not.
      size: bytes.

    Raises:
      OSError: it has not (errno ENOSPC).
    """
    there = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    if shutil.disk_usage(there).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def is_full_disk(error: Exception) -> bool:
    """Whether no room, or no more quota, is what an error of writing tells of.

    Some libraries raise errors of their own, of which only the text has the reason.
    """
    return any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EDQUOT))


def sha256(content: bytes) -> str:
    """Returns the sha256 of some bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: pathlib.Path) -> str:
    """Returns the sha256 of a file's content, hexadecimal; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
