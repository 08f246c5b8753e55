"""What killed runs leave half written, as large as the data set at worst: the next run removes it.

Nothing of a run that is still at work is removed: in a workdir there is one run at a time, or there
are shards, each of which looks after its own trainings (workdir.py, claims.py); in the cache, which
runs share, everyone who writes holds a lock of which the system lets go when the process ends, and
only who holds it alone may remove.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_LOCK = ".lock"
# As files.replacing names them.
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp", re.DOTALL)
# As orbax names a checkpoint that is being written.
_CHECKPOINT = ".orbax-checkpoint-tmp"


def is_unfinished_file(name: str) -> bool:
    """Whether a file of this name is being written, or was when its run was killed."""
    return _TEMPORARY.fullmatch(name) is not None


def is_unfinished_folder(name: str) -> bool:
    """The same of a checkpoint, which is a folder."""
    return _CHECKPOINT in name


def remove_from_workdir(root: Path) -> None:
    """Removes temporary files and unfinished checkpoints at any depth; links are not followed.

    Args:
      root: a workdir whose lock the caller holds, or the folder of a training that it has claimed.
    """
    for where, folders, files in os.walk(root):
        for name in filter(is_unfinished_folder, list(folders)):
            folders.remove(name)
            _remove_tree(Path(where, name))
        for name in filter(is_unfinished_file, files):
            Path(where, name).unlink(missing_ok=True)


@contextlib.contextmanager
def at_work_in_cache(cache: Path) -> Iterator[None]:
    """Within it, prepared copies and decoded images may be written.

    What killed runs have left of such is removed first, unless another run is at work in the cache,
    or its disk has no locks, or it can't be written.
    """
    lock = _open_lock(cache)
    if lock is None:  # nothing is left there then, and what is there may be read
        yield
        return
    with lock:
        if _try_lock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _remove_from_cache(cache)
        _try_lock(lock, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[bool]:
    """Waits until no other process on this machine is within it; whether that is known.

    It is not on a disk without locks, or one that can't be written.

    Args:
      lock: a file, which is made and stays.
    """
    with contextlib.ExitStack() as stack:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(lock.open("a"))
            is_alone = _try_lock(file, fcntl.LOCK_EX)
        except OSError:
            is_alone = False
        yield is_alone


def _open_lock(cache: Path) -> TextIO | None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return (cache / _LOCK).open("a")
    except OSError:
        return None


def _try_lock(file: TextIO, how: int) -> bool:
    """Returns whether a file is locked; not so where others are at work, or a disk has no locks."""
    try:
        fcntl.flock(file, how)
    except OSError:
        return False
    return True


def _remove_from_cache(cache: Path) -> None:
    for path in (cache / "arrays").glob(".*.tmp"):
        if is_unfinished_file(path.name):
            path.unlink(missing_ok=True)
    for path in (cache / "prepared").glob("*/*/incomplete.*"):  # as TFDS names them
        _remove_tree(path)


def _remove_tree(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)  # what can't be removed is in nobody's way
