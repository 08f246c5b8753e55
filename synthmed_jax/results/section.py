"""A section of the report; <folder of a stage>/section.json is one that the stage adds.

A stage that adds more than one calls them section_<name>.json.
"""

from __future__ import annotations

import dataclasses
import pathlib

from synthmed_jax.results.stored import Stored

FILE = "section.json"


@dataclasses.dataclass(frozen=True)
class Row:
    """A row: its heading, and one text per column."""

    name: str
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table: the headings of its columns, its rows, and the caption below it; all texts."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str


@dataclasses.dataclass(frozen=True)
class SectionPicture:
    """A PNG beside section.json: its name, what is seen in words, what it shows."""

    file: str
    alt: str
    caption: str


@dataclasses.dataclass(frozen=True)
class Section(Stored):
    """A section of the report.

    Attributes:
      title: its heading.
      paragraphs: plain sentences.
      tables, pictures: what follows them.
    """

    title: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    pictures: tuple[SectionPicture, ...] = ()


def section_files(workdir: pathlib.Path) -> list[pathlib.Path]:
    """The sections that stages have left in a workdir, in order of their folders and names."""
    return sorted([*workdir.glob(f"*/{FILE}"), *workdir.glob("*/section_*.json")])
