"""A table of the report, ready for the templates: all texts."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """A row: its heading, and one text per column."""

    name: str
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table: the headings of its columns, its rows, and the caption below it."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str
