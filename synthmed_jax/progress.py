"""Progress bars on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import tqdm


def progress_bar(
    iterable: Iterable[Any] | None = None,
    *,
    description: str,
    total: int | None = None,
    initial: int = 0,
    unit: str = "it",
) -> tqdm.tqdm:
    """A bar with rate and time left; it is drawn less often where no terminal shows it."""
    return tqdm.tqdm(
        iterable,
        desc=description,
        total=total,
        initial=initial,
        unit=unit,
        mininterval=0.2 if sys.stderr.isatty() else 30,
        dynamic_ncols=sys.stderr.isatty(),
    )


def file_progress_bar(files: Iterable[Any], description: str) -> tqdm.tqdm:
    """Iterates over files with a bar that shows only where that takes longer than two seconds."""
    return tqdm.tqdm(files, desc=description, unit="file", delay=2.0, leave=False)
