"""What a workdir holds at one instant, taken while a run writes into it.

A run that is killed at any instant goes on from what it has left, so that the state of one instant
is what another machine can go on from. No order of reading files gives it: a marker that is read
last may tell of files that were not there when their folder was read. So the workdir is looked at
twice. Where both looks see the same files, sizes, times and inodes, nothing was written in between,
and what was copied in between is the state of that instant; else it is looked at again. A run that
writes without a pause is held for the last of these looks.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from synthmed_jax import litter
from synthmed_jax.files import sha256_of, standing_still

_ATTEMPTS = 200
_PAUSE_SECONDS = 0.02
# After so long, or so many looks, the run is held.
_PATIENCE_SECONDS = 20.0
_HELD_ATTEMPTS = 3
_LOCKS = (".lock", ".locks")
# A larger file is linked and not copied. The program writes such ones whole, under another name.
_COPIED_BYTES = 64 * 1024**2


class Seen(NamedTuple):
    """A file as the system tells of it: bytes, time of its last change in ns, inode."""

    size: int
    mtime_ns: int
    inode: int


class Entry(NamedTuple):
    """A file, and the sha256 (hexadecimal) of its content."""

    seen: Seen
    sha256: str


# Path below the workdir, with slashes -> the file.
Entries = Mapping[str, Entry]


def scan(root: pathlib.Path) -> dict[str, Seen]:
    """Returns the files of a workdir, but for its lock and what is half written."""
    found = {}
    for where, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not litter.is_unfinished_folder(name)]
        for name in files:
            path = pathlib.Path(where, name)
            relative = path.relative_to(root).as_posix()
            if relative.split("/")[0] in _LOCKS or litter.is_unfinished_file(name):
                continue
            with contextlib.suppress(FileNotFoundError):  # the second look tells
                found[relative] = _look(path)
    return found


def _look(path: pathlib.Path) -> Seen:
    status = path.stat()
    return Seen(status.st_size, status.st_mtime_ns, status.st_ino)


def take(
    root: pathlib.Path,
    staging: pathlib.Path,
    known: Entries,
    is_there: Callable[[str], bool],
    renew: Callable[[], None] = lambda: None,
) -> dict[str, Entry] | None:
    """Returns the workdir's files at one instant; None: it never stood still long enough.

    Args:
      root: the workdir.
      staging: a folder on the same disk, which gets the content of files under their sha256.
      known: files whose content was looked at before: an unchanged one is not read again.
      is_there: whether a content (sha256) is not needed in `staging`.
      renew: is called again and again meanwhile.
    """
    staging.mkdir(parents=True, exist_ok=True)
    entries = dict(known)
    started = time.monotonic()
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        if time.monotonic() - started > _PATIENCE_SECONDS:
            break
        taken = _look_twice(root, staging, entries, is_there, renew)
        if taken is not None:
            return taken
    for _ in range(_HELD_ATTEMPTS):
        with standing_still():
            taken = _look_twice(root, staging, entries, is_there, renew)
        if taken is not None:
            return taken
    return None


def _look_twice(
    root: pathlib.Path,
    staging: pathlib.Path,
    entries: dict[str, Entry],
    is_there: Callable[[str], bool],
    renew: Callable[[], None],
) -> dict[str, Entry] | None:
    """As `take`, once; adds to `entries` what was looked at."""
    seen = scan(root)
    renew()
    try:
        for path, file in seen.items():
            entry = entries.get(path)
            if entry is None or entry.seen != file:
                renew()
                entry = entries[path] = Entry(file, _stage(root / path, staging))
            if not is_there(entry.sha256) and not (staging / entry.sha256).exists():
                _stage(root / path, staging)
    except FileNotFoundError:
        return None
    return {path: entries[path] for path in seen} if scan(root) == seen else None


def _stage(path: pathlib.Path, staging: pathlib.Path) -> str:
    """Brings a file's content into `staging`, and returns its sha256."""
    temporary = staging / "incomplete"
    temporary.unlink(missing_ok=True)
    if path.stat().st_size > _COPIED_BYTES:
        try:
            os.link(path, temporary)
        except FileNotFoundError:
            raise
        except OSError:  # a disk without links
            shutil.copyfile(path, temporary)
    else:
        shutil.copyfile(path, temporary)
    digest = sha256_of(temporary)
    os.replace(temporary, staging / digest)
    return digest
