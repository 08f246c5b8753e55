"""Files that are written whole or not at all, and hashes of their content."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import itertools
import json
import os
import pathlib
import re
import secrets
import shutil
import threading
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from synthmed_jax.errors import Damaged

# Below the first, this process writes only what is below the others; None: there is no such place.
_of_another: tuple[pathlib.Path, tuple[pathlib.Path, ...]] | None = None
# Held while a written file takes its place.
_moving = threading.RLock()

# The line after an array, at the end of its file.
_SEALED = re.compile(rb"\n(?P<sha256>[0-9a-f]{64}) (?P<made_of>[0-9a-f]*)\n\Z")


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes a file whole or not at all (temporary file beside it, then a rename)."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(content)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes UTF-8 text whole or not at all; line ends stay as they are.

    Names of files may hold bytes that are not UTF-8: they are written as \\udcXX.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_pieces(path: pathlib.Path, pieces: Iterable[str]) -> None:
    """Writes text as `write_text` does, piece by piece, so that a long one takes no memory."""
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        stream.writelines(pieces)


def write_json(path: pathlib.Path, value: object) -> None:
    """Writes JSON whole or not at all; NaN is a ValueError, since JSON has none."""
    pieces = json.JSONEncoder(indent=1, allow_nan=False).iterencode(value)
    write_pieces(path, itertools.chain(pieces, "\n"))


def write_array(path: pathlib.Path, array: np.ndarray, made_of: str = "") -> None:
    """Writes a .npy file whole or not at all.

    A line after the array, which other readers of .npy files do not look at, seals it.

    Args:
      made_of: a digest (hexadecimal) of what the array was computed from.
    """
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    content = file.getvalue()
    write_bytes(path, content + f"\n{sha256(content)} {made_of}\n".encode())


def read_array(path: pathlib.Path) -> tuple[np.ndarray, str | None]:
    """Reads what `write_array` wrote: the array, and what it was made of.

    The latter is None in files of earlier versions, which have no seal.

    Raises:
      FileNotFoundError: there is none.
      Damaged: it is not what was written.
    """
    content = path.read_bytes()
    sealed = _SEALED.search(content)
    if sealed is not None:
        content, made_of = content[: sealed.start()], sealed["made_of"].decode()
        if sealed["sha256"].decode() != sha256(content):
            raise Damaged(path, "is damaged: its sha256 is not the one that was written with it")
    try:
        stream = io.BytesIO(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a header as `write_array` never writes it
            array = np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # its parser raises whatever a broken file hits
        raise Damaged(path, f"is damaged: it is no array ({type(error).__name__})") from error
    if stream.tell() != len(content):  # half a seal
        raise Damaged(path, "is damaged: something follows the array")
    return array, None if sealed is None else made_of


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file, in UTF-8."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Names a temporary file beside `path`, which replaces it at the end, unless an error rose."""
    check_writer(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be writing the same file of a shared cache: on another machine, or in
    # another container, one of the same number.
    temporary = path.with_name(f".{path.name}.{secrets.randbelow(10**9)}.tmp")
    try:
        yield temporary
        _sync(temporary)  # else a power cut could leave the new name with no content
        with _moving:
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def written_by_another(root: pathlib.Path, *but: pathlib.Path) -> Iterator[None]:
    """Within it, another process is the writer of a folder, but for some folders below it."""
    global _of_another
    before, _of_another = _of_another, (root.resolve(), tuple(each.resolve() for each in but))
    try:
        yield
    finally:
        _of_another = before


def check_writer(path: pathlib.Path) -> None:
    """Looks whether this process may write a file or folder: what is single has one writer.

    Raises:
      RuntimeError: another process writes it (see `written_by_another`).
    """
    if _of_another is None:
        return
    root, but = _of_another
    absolute = path.resolve()
    if absolute.is_relative_to(root) and not any(map(absolute.is_relative_to, but)):
        raise RuntimeError(f"{path} is written by the host that leads, and not by this one")


@contextlib.contextmanager
def standing_still() -> Iterator[None]:
    """Within it, none of the functions here that write puts a file into its place: they wait."""
    with _moving:
        yield


def _sync(path: pathlib.Path) -> None:
    """Waits until a file's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def sha256_of_all(paths: Iterable[pathlib.Path], first: bytes = b"") -> str:
    """Returns a sha256 over files, hexadecimal: another one where one changes, comes or goes.

    Args:
      paths: files, which may be there or not.
      first: what else it is of.
    """
    sha = hashlib.sha256(first)
    for path in paths:
        sha.update(path.read_bytes() if path.exists() else b"absent")
    return sha.hexdigest()


def sha256_of(path: pathlib.Path) -> str:
    """Returns the sha256 of a file's content, hexadecimal; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
