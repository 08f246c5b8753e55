"""Who is at which piece of work, among processes that share a workdir, also from several machines.

Every piece has a file, which the process that is at it keeps locked. The system lets go of locks
when a process ends, however that happens: nothing is left to be cleared away, and no clocks or
names of machines are compared. The files stay, since one that is removed while another process
opens it would be locked twice; whole runs, which are alone, remove them all (`Workdir.lock`).
"""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TextIO

# Files in the folder of locks, beside the folder of the pieces' own.
_ORDER, _PRESENT, _PIECES = "order", "present", "pieces"


class Claims:
    """What this process has claimed; all is let go of at the block's end.

    Locks belong to open files: two of these objects keep each other out within a process as well.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """folder: of the locks, on a file system that has them."""
        self._folder = folder
        self._present: TextIO | None = None
        self._claimed: dict[str, TextIO] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        if self._present is not None:
            self._present.close()

    @contextlib.contextmanager
    def in_order(self) -> Iterator[None]:
        """Within it, no other process is in such a block; it waits for its turn."""
        with self._open(_ORDER) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def join(self, purpose: str) -> str | None:
        """Says that this process is present, within `in_order`, until the end of the claims.

        Args:
          purpose: what it is here for, which whoever is the first writes down.

        Returns:
          The purpose of those who are present already; None: nobody is.
        """
        file = self._present = self._open(_PRESENT)
        alone = _try_lock(file)
        if alone:
            file.truncate(0)
            file.write(purpose)
            file.flush()
        fcntl.flock(file, fcntl.LOCK_SH)  # at once: nobody else tries for more, out of order
        if alone:
            return None
        file.seek(0)
        return file.read()

    def claim(self, piece: str) -> bool:
        """Whether a piece of work is this process's from now on; not so where another is at it.

        Args:
          piece: its name, as of a path with "/".
        """
        file = self._open(f"{_PIECES}/{piece}")
        if not _try_lock(file):
            file.close()
            return False
        self._claimed[piece] = file
        return True

    def release(self, which: Callable[[str], bool] = lambda piece: True) -> None:
        """Lets go of the pieces of which `which` is true."""
        for piece in [piece for piece in self._claimed if which(piece)]:
            self._claimed.pop(piece).close()

    def _open(self, name: str) -> TextIO:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # On NFS, a file under a shared lock must be readable, under the other one writable.
        return path.open("a+", encoding="utf-8")


def _try_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
