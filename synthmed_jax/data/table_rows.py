"""Which rows of a table are about which image, and what they say of it."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.data.tables import Table
from synthmed_jax.errors import UserError

_NO_PATIENT = frozenset(("", "nan", "none", "na", "n/a", "null", "#n/a"))


@dataclasses.dataclass(frozen=True)
class Rows:
    """Which rows of a table are about which image.

    Attributes:
      of_image: file -> numbers of its rows, in order; files without a row are not there.
      of_none: numbers of the rows whose cell fits no image.
    """

    of_image: Mapping[str, Sequence[int]]
    of_none: Sequence[int]


def match_rows(table: Table, column: int, names: ImageNames) -> Rows:
    """Finds the image that each row is about, by the cell in `column`.

    Raises:
      UserError: a cell fits several images.
    """
    of_image: dict[str, list[int]] = collections.defaultdict(list)
    of_none = []
    open_cells = []
    for row, cell in enumerate(table.cells(column)):
        found = names.matches(cell) if cell else []
        if len(found) == 1:
            of_image[found[0]].append(row)
        elif found:
            open_cells.append((row, cell, found))
        else:
            of_none.append(row)
    for row, cell, found in open_cells:
        # A base name that several images share is spare where each has a row with its path.
        unnamed = [file for file in found if file not in of_image]
        if unnamed:
            raise UserError(
                f"{table.path} line {table.lines[row]}: {cell} fits several images: "
                f"{', '.join(found[:3])}; write the path in the table, as {unnamed[0]}, or leave "
                "out the wrong files with --config.data.exclude='...'"
            )
        of_none.append(row)
    return Rows(of_image, sorted(of_none))


def values_of(table: Table, rows: Rows, column: int, what: str) -> dict[str, str]:
    """Returns file -> what `column` says of it, for all images that have a row.

    Args:
      what: "label" or "patient". A patient that is nan, none, na or null counts as empty.

    Raises:
      UserError: an image has an empty cell, or rows that differ; the message has their lines.
    """
    empty_words = _NO_PATIENT if what == "patient" else frozenset(("",))
    values, empty, torn = {}, [], []
    for file, numbers in rows.of_image.items():
        cells = {table.rows[row][column]: row for row in reversed(numbers)}
        empty += [row for row in numbers if table.rows[row][column].lower() in empty_words]
        if len(cells) > 1:
            torn.append((file, cells))
        values[file] = table.rows[numbers[0]][column]
    if empty:
        cells_there = sorted({table.rows[row][column] for row in empty})
        named = ", ".join(cell or "empty" for cell in cells_there)
        raise UserError(
            f"{table.path}: no {what} ({named}) in column {table.columns[column]} of "
            f"rows that name images, {_lines(table, empty)}: fill them in, or delete these rows "
            "and leave out their images"
        )
    if torn:
        file, cells = torn[0]
        said = ", ".join(f"{cell} (line {table.lines[row]})" for cell, row in sorted(cells.items()))
        more = f"; so have {len(torn) - 1} other images" if len(torn) > 1 else ""
        raise UserError(f"{table.path}: {file} has several {what}s: {said}{more}")
    return values


def examples(table: Table, rows: Iterable[int], column: int) -> str:
    """Returns up to 3 cells with their lines, for messages: "x.png (line 2), ..."."""
    listed = list(rows)
    shown = ", ".join(
        f"{table.rows[row][column] or 'empty'} (line {table.lines[row]})" for row in listed[:3]
    )
    return shown + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def _lines(table: Table, rows: Sequence[int]) -> str:
    numbers = sorted(table.lines[row] for row in rows)
    shown = ", ".join(map(str, numbers[:10])) + (" ..." if len(numbers) > 10 else "")
    return f"line{'' if len(numbers) == 1 else 's'} {shown}"
