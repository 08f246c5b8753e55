"""Progress bars on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

import tqdm

_T = TypeVar("_T")


def progress_bar(
    iterable: Iterable[_T] | None = None,
    *,
    description: str,
    total: int | None = None,
    initial: int = 0,
    unit: str = "it",
) -> tqdm.tqdm:
    """Returns a bar with rate and time left, over `iterable` or moved on by `update(n)`.

    It is drawn every 0.2 seconds on a terminal, and every 30 where standard error is a file.

    Args:
      iterable: what is iterated over; None: the caller counts.
      description: what is being done.
      total: units until the end; None: those of `iterable`.
      initial: units that were done before, in an earlier run.
      unit: name of one unit.
    """
    return tqdm.tqdm(
        iterable,
        desc=description,
        total=total,
        initial=initial,
        unit=unit,
        mininterval=0.2 if sys.stderr.isatty() else 30,
        dynamic_ncols=sys.stderr.isatty(),
    )


def file_progress_bar(files: Iterable[_T], description: str) -> Iterable[_T]:
    """Iterates over files with a bar that shows only if that takes longer than two seconds."""
    return tqdm.tqdm(files, desc=description, unit="file", delay=2.0, leave=False)
