"""JAX's cache of compiled programs: entries that can't be read are removed.

JAX warns of such an entry, compiles the program again, and leaves the entry as it is: every run
would pay for it.
"""

from __future__ import annotations

import contextlib
import pathlib
import warnings
import zlib
from collections.abc import Iterator
from typing import TextIO

_WARNING = "Error reading persistent compilation cache entry"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"  # how an entry begins where the package `zstandard` is installed


@contextlib.contextmanager
def mended(folder: pathlib.Path) -> Iterator[None]:
    """Removes the damaged entries of a cache at the end, if JAX could not read one on the way.

    JAX's warnings of them are not shown; what was done is said instead.
    """
    unread = []
    with warnings.catch_warnings():
        show = warnings.showwarning

        def look(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if str(message).startswith(_WARNING):
                unread.append(message)
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = look
        try:
            yield
        finally:
            removed = remove_damaged(folder) if unread else 0
            if removed:
                print(
                    f"{removed} damaged entries of the compilation cache {folder} are removed: the "
                    "next run keeps these programs again",
                    flush=True,
                )


def remove_damaged(folder: pathlib.Path) -> int:
    """Removes the entries that can't be unpacked; returns how many there were."""
    damaged = [path for path in folder.glob("*-cache") if not _is_whole(path)]
    for path in damaged:
        path.unlink(missing_ok=True)  # another process may have seen it too
    return len(damaged)


def _is_whole(path: pathlib.Path) -> bool:
    content = path.read_bytes()
    if content.startswith(_ZSTANDARD):
        return True  # as far as can be told here
    try:
        zlib.decompress(content)  # which ends in a checksum
    except zlib.error:
        return False
    return True
