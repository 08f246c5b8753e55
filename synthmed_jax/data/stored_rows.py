"""The rows of a prepared copy, as TFDS reads them of array_record files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
import tensorflow_datasets as tfds

from synthmed_jax.data.sets.builders import ROWS_PER_FILE, SPLIT
from synthmed_jax.errors import Damaged, UserError

# That are read at once. How large the next ones are is not known before they are read.
_MOST_ROWS = 32
_MOST_BYTES = 2**23


class StoredRow(TypedDict):
    """One record as TFDS returns it."""

    content: bytes
    file: bytes
    sha256: bytes
    label: np.int64


class _Rows(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> StoredRow: ...

    def __getitems__(self, positions: Sequence[int]) -> Sequence[StoredRow]: ...


class StoredRows:
    """The rows, by position or in order.

    Args:
      builder: of a prepared copy.
      where: its folder, for errors.

    Raises:
      Damaged: the copy can't be read; so do all methods.
    """

    def __init__(self, builder: tfds.core.DatasetBuilder, where: Path):
        self._builder, self._where = builder, where
        self._rows = self._open(SPLIT)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, position: int) -> StoredRow:
        with damage(self._where):
            return self._rows[position]

    def __iter__(self) -> Iterator[StoredRow]:
        # What reads a file holds some 400 bytes for each of its rows: it is let go after each file.
        for start in range(0, len(self), ROWS_PER_FILE):
            stop = min(start + ROWS_PER_FILE, len(self))
            yield from _in_pieces(self._open(f"{SPLIT}[{start}:{stop}]"), self._where)

    def _open(self, split: str) -> _Rows:
        with damage(self._where):
            rows: _Rows = self._builder.as_data_source(split)
        return rows


@contextlib.contextmanager
def damage(where: Path) -> Iterator[None]:
    """Turns what TFDS raises into an error that names the prepared copy."""
    try:
        yield
    except (MemoryError, UserError):
        raise
    except Exception as error:  # its readers raise whatever a broken file hits
        raise Damaged(where, f"is damaged: it can't be read ({type(error).__name__})") from error


def _in_pieces(rows: _Rows, where: Path) -> Iterator[StoredRow]:
    """Yields rows in order.

    Small ones are read several at a time: each call takes time that grows with the rows of a file.
    """
    start, count = 0, 1
    while start < len(rows):
        with damage(where):
            piece = rows.__getitems__(range(start, min(start + count, len(rows))))
        yield from piece
        start += len(piece)
        largest = max(len(row["content"]) for row in piece)
        count = min(2 * count, _MOST_ROWS, max(1, _MOST_BYTES // max(1, largest)))
