"""Tables that name images: read as spreadsheets and people write them, with line numbers kept."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path

from synthmed_jax.data.counted import counted
from synthmed_jax.errors import UserError

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
"""Endings of files that are no text, and are refused by name."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = ",;\t"
_MOST_MISSING = 10_000_000
"""Cells that rows may lack in all: a small file could claim more than fit into memory, by many
headings and many short rows."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with headings.

    Attributes:
      path: where it was read from.
      columns: the headings, without blanks around them.
      rows: the cells of each row, as many as there are headings, without blanks around them.
      lines: the line of the file that each row begins in, from 1.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def cells(self, column: int) -> list[str]:
        """Returns the cells of one column, from the top."""
        return [row[column] for row in self.rows]

    def __str__(self) -> str:
        """Describes the columns, for messages: "dx (7 values: mel, nv, ...), age (...)"."""
        described = []
        for column, name in enumerate(self.columns):
            values = sorted(set(self.cells(column)) - {""})
            shown = ", ".join(values[:2]) + (", ..." if len(values) > 2 else "")
            count = counted(len(values), "value")
            described.append(f"{name or '(no heading)'} ({count}: {shown})")
        return "; ".join(described)


def read_table(path: Path, field: str) -> Table:
    """Reads a table: separators `,` `;` tab or `|`, UTF-8 with or without a mark, UTF-16 with one.

    Rows that are empty in all cells do not count.

    Args:
      path: of the file.
      field: the config field that names it, for messages.

    Raises:
      UserError: it can't be read, is a spreadsheet or in another encoding, has no headings, no
        rows, a row with more cells than there are headings, rows that lack very many cells, or a
        quote without its counterpart.
    """
    if path.suffix.lower() in SPREADSHEETS:
        raise UserError(
            f"{field}={str(path)!r} is a spreadsheet of {path.suffix}, which is not read: open it "
            "and save it as CSV (UTF-8)"
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{field}={str(path)!r} can't be read: {error.strerror}") from error
    text, separator, skipped = _find_separator(_decode(content, path))
    # Strict: a quote that is never closed would swallow all rows after it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    missing = 0
    for line, cells in _numbered(reader, path, skipped):
        if not any(cells):
            continue
        if not columns:
            columns = cells
            continue
        if any(cells[len(columns) :]):
            raise UserError(
                f"{path} line {line} has {len(cells)} cells, the headings are {len(columns)}: "
                'write cells that hold the separator in quotes, as "a, b"'
            )
        missing += max(len(columns) - len(cells), 0)
        if missing > _MOST_MISSING:
            raise UserError(
                f"{path} line {line}: the rows so far lack {missing} cells, and there are "
                f"{counted(len(columns), 'heading')}: write a cell below every heading, if only "
                "an empty one"
            )
        padded = cells[: len(columns)] + ("",) * (len(columns) - len(cells))
        rows.append(padded)
        lines.append(line)
    if not columns:
        raise UserError(f"{path} is empty: it needs the columns' headings in its first line")
    if not rows:
        raise UserError(
            f"{path} has headings ({', '.join(columns)}) and no rows: it needs a row per image"
        )
    return Table(path, columns, tuple(rows), tuple(lines))


def _numbered(
    reader: Iterator[list[str]], path: Path, skipped: int
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yields (line that the row begins in, its cells without blanks around them)."""
    line = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(
                f"{path} line {line + 1 + skipped} can't be read ({error}): quotes come in pairs, "
                'around a whole cell, as "a, b"; within one they are doubled, as "5"" scan"'
            ) from error
        yield line + 1 + skipped, tuple(cell.strip() for cell in cells)
        line = reader.line_num  # type: ignore[attr-defined]


def _decode(content: bytes, path: Path) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path} line {line} is not {encoding.removesuffix('-sig').upper()}: save the table as "
            'CSV in UTF-8 (Excel: "CSV UTF-8")'
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UserError(
            f"{path} line {line} holds zero bytes, so it is no text in UTF-8: save the table as "
            'CSV in UTF-8 (Excel: "CSV UTF-8")'
        )
    return text


def _find_separator(text: str) -> tuple[str, str, int]:
    """Returns the table's text, its separator, and how many lines were skipped before it.

    Excel's first line "sep=;" is believed; else the separator is what the headings hold most of.
    `|` is one only where they hold no other: it also stands between several labels of an image.
    """
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r'"?sep=([^\s"]|\t)"?\r?', first)
    if told:
        return rest, told[1], 1
    headings = next((line for line in text.splitlines() if line.strip()), "")
    outside_quotes = re.sub(r'"[^"]*"', "", headings)
    usual = max(_SEPARATORS, key=outside_quotes.count)
    return text, "|" if "|" in outside_quotes and usual not in outside_quotes else usual, 0
