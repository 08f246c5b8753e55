r"""Tables of comma-separated values: any name comes back as it was, and none is a formula.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula, and would run what the name
of a file says. Such a text gets an apostrophe in front, as people write it in a spreadsheet. So
does one that begins with apostrophes before such a character, so that `text_of` can take it off.
"""

from __future__ import annotations

import csv
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence

from synthmed_jax.files import write_pieces

_FORMULA = re.compile("'*[=+\\-@\t\r]")


def write_csv(path: pathlib.Path, rows: Iterable[Sequence[object]]) -> None:
    """Writes rows, as `csv_lines` has them, into a file whole or not at all."""
    write_pieces(path, csv_lines(rows))


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    r"""Yields the rows as text, one line each, ended by \n; equal rows give equal texts.

    Texts among the cells are guarded as the module says; numbers are not.
    """
    line = _Line()
    # With this end of lines, csv quotes both of its characters; by itself it would quote \n alone,
    # and readers take a bare \r for an end.
    writer = csv.writer(line, lineterminator="\r\n")
    for row in rows:
        writer.writerow(map(_guard, row))
        yield line.text.removesuffix("\r\n") + "\n"


def text_of(cell: str) -> str:
    """Returns the text that a cell was made from by `csv_lines`, once csv has read it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _guard(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


class _Line:
    """Takes one line at a time, as csv's writer has it."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text
