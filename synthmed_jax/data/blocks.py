"""Blocks of file numbers, where neighbours by number may be slices of one patient."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from synthmed_jax.errors import UserError

BLOCKS = "blocks:"
_NUMBER = re.compile(r"(\d+)(?=\D*$)")  # the last one in a name


def size_of(group_by: str) -> int:
    """Returns n of "blocks:n".

    Raises:
      UserError: n is no whole number from 1.
    """
    text = group_by.removeprefix(BLOCKS)
    if not re.fullmatch("[1-9][0-9]*", text):
        raise UserError(
            f"split.group_by={group_by!r} needs a whole number of 1 or more after blocks, such as "
            "--config.split.group_by=blocks:20"
        )
    return int(text)


def block_names(files: Sequence[str], size: int) -> list[str]:
    """Returns the name of each file's block.

    Numbers are counted from the smallest in each series: files of one folder with the same text
    before the number. Files 1 to 20 of a series are one block of 20, 21 to 40 the next; numbers
    that no file has count.

    Args:
      files: relative POSIX paths; the last number in a base name, less its ending, is its number.

    Raises:
      UserError: a name without a number.
    """
    numbers: dict[str, tuple[str, int]] = {}
    smallest: dict[str, int] = {}
    for file in files:
        stem = PurePosixPath(file).stem
        match = _NUMBER.search(stem)
        if match is None:
            raise UserError(
                f"split.group_by={BLOCKS}{size}: the file name {file} holds no number; leave such "
                "files out with --config.data.exclude, or group by something else"
            )
        series = str(PurePosixPath(file).parent / stem[: match.start()])
        numbers[file] = (series, int(match[1]))
        smallest[series] = min(smallest.get(series, int(match[1])), int(match[1]))
    return [
        f"{series}{(number - smallest[series]) // size:09d}"
        for series, number in (numbers[file] for file in files)
    ]
