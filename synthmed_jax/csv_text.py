r"""Tables of comma-separated values: any name comes back as it was, and none is a formula.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula, and would run what the name
of a file says. Such a text gets an apostrophe in front, as people write it in a spreadsheet. So
does one that begins with apostrophes before such a character, so that `text_of` can take it off.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence

_FORMULA = re.compile("'*[=+\\-@\t\r]")


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    r"""Returns the rows as text, one line each, ended by \n; equal rows give equal texts.

    Texts among the cells are guarded as the module says; numbers are not.
    """
    lines = _Lines()
    # With this end of lines, csv quotes both of its characters; by itself it would quote \n alone,
    # and readers take a bare \r for an end.
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerows(map(_guard, row) for row in rows)
    return "".join(lines.texts)


def text_of(cell: str) -> str:
    """Returns the text that a cell was made from by `to_csv`, once csv has read it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _guard(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


class _Lines:
    """Takes one line at a time."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, line: str) -> None:
        self.texts.append(line.removesuffix("\r\n") + "\n")
