"""An inventory in words: the table that is printed before any work, and the report's section."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from synthmed_jax.printable import printable
from synthmed_jax.results.inventory import ClassInventory, Inventory
from synthmed_jax.results.leakage import Leakage
from synthmed_jax.results.section import Row, Section, Table

_COLUMNS = ("images", "files", "sizes", "brightness", "black/white", "colour", "copies", "left out")
_EXPLAINED = (
    "Sizes in pixels as stored; brightness: median over the images of their mean grey level, from "
    "0 (black) to 255; black/white: images that are nearly all black, nearly all white; colour: "
    "images with colours; copies: files that equal another file of their class, byte for byte."
)


def to_text(inventory: Inventory) -> str:
    """Returns the table and what is to be said below it, for a terminal."""
    columns, rows = _table(inventory)
    grid = [("class", *columns), *((row.name, *row.values) for row in rows)]
    widths = [max(_cells_of(row[column]) for row in grid) for column in range(len(grid[0]))]
    lines = [
        "  ".join(
            text + " " * (width - _cells_of(text)) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in grid
    ]
    return "\n".join([*lines, *_sentences(inventory)])


def leakage_sentence(leakage: Leakage) -> str:
    """Returns what is identical across the parts."""
    if not (leakage.copies or leakage.held_out_in_fit_or_val or leakage.val_in_fit):
        return "exact copies: no file equals another one"
    return (
        f"exact copies: {leakage.copies} files equal another file of their class; "
        f"{leakage.held_out_in_fit_or_val} of {leakage.num_held_out} test images equal a fit or "
        f"val image, {leakage.val_in_fit} of {leakage.num_val} val images equal a fit image"
    )


def to_section(inventory: Inventory, leakage: Leakage) -> Section:
    """Returns the report's section about what was found in the folder."""
    columns, rows = _table(inventory)
    by_class = tuple(
        Row(name, (str(c.copies), str(c.val_in_fit), str(c.held_out_in_fit_or_val)))
        for name, c in leakage.classes.items()
    )
    sentences = (leakage_sentence(leakage), *_sentences(inventory))
    return Section(
        title="The images as they were found",
        paragraphs=tuple(
            text[0].upper() + text[1:] + ("" if text.endswith(".") else ".") for text in sentences
        ),
        tables=(
            Table(columns, rows, _EXPLAINED),
            Table(
                ("copies within the class", "val equal to fit", "test equal to fit or val"),
                by_class,
                "Identical files (sha256), by class. Of equal files all but the first are copies.",
            ),
        ),
    )


def _table(inventory: Inventory) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    grouped = any(each.groups is not None for each in inventory.classes)
    columns = (*_COLUMNS, "groups") if grouped else _COLUMNS
    return columns, tuple(
        Row(each.name, tuple(_values(each, inventory, grouped=grouped)))
        for each in inventory.classes
    )


def _values(each: ClassInventory, inventory: Inventory, *, grouped: bool) -> Iterator[str]:
    yield str(each.images) + (f" in {each.files} files" if each.files < each.images else "")
    yield _most(each.formats)
    yield _most(each.sizes)
    yield f"{each.brightness:.0f}"
    yield f"{each.nearly_black}/{each.nearly_white}"
    yield str(each.coloured)
    yield str(each.copies)
    yield str(sum(e.count for e in inventory.left_out if e.class_name == each.name))
    if grouped:
        low, middle, high = each.group_sizes
        yield f"{each.groups} of {low}" + (f" to {high} (median {middle})" if low < high else "")


def _cells_of(text: str) -> int:
    """How many columns of a terminal a text takes: Chinese characters take two."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _most(counts: Mapping[str, int], shown: int = 2) -> str:
    """The most frequent values, with their numbers where there are several."""
    if len(counts) == 1:
        return next(iter(counts))
    listed = [f"{count} {value}" for value, count in list(counts.items())[:shown]]
    return ", ".join([*listed, f"{len(counts) - shown} more"] if len(counts) > shown else listed)


def _sentences(inventory: Inventory) -> Sequence[str]:
    lines = []
    for each in inventory.left_out:
        whose = f" of class {each.class_name}" if each.class_name else ""
        more = ", ..." if each.count > len(each.examples) else ""
        lines.append(
            f"left out: {each.count}{whose}: {each.reason}: {', '.join(each.examples)}{more}"
        )
    lines += [f"grey scale of {text}" for text in inventory.grey_scales]
    lines += [f"stacks: {inventory.stacks}"] if inventory.stacks else []
    lines += [f"groups: {inventory.groups}"] if inventory.groups else []
    lines += [f"warning: {text}" for text in inventory.warnings]
    return [printable(line) for line in lines]
