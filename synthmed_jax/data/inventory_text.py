"""An inventory in words: the table that is printed before any work, and the report's section."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from synthmed_jax.data import alike_text
from synthmed_jax.data.counted import counted
from synthmed_jax.data.facts import UNREADABLE
from synthmed_jax.printable import printable
from synthmed_jax.results.inventory import ClassInventory, Inventory, LeftOutFiles
from synthmed_jax.results.leakage import Leakage
from synthmed_jax.results.section import Row, Section, Table

_COLUMNS = ("images", "files", "sizes", "brightness", "black/white", "colour", "copies", "left out")
_EXAMPLES = 5  # files named of those that several classes have, left out for one reason
_EXPLAINED = (
    "Sizes in pixels as stored; brightness: median over the images of their mean grey level, from "
    "0 (black) to 255; black/white: images that are nearly all black, nearly all white; colour: "
    "images with colours; copies: files that equal another file of their class, byte for byte."
)
_GROUPED = "groups: how many the images of the class are from, and how many images each gave"
_OF_PATIENTS = "patients: the same, as the files themselves name them"


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
    torn = leakage.under_two_labels
    if not (leakage.copies or leakage.held_out_in_fit_or_val or leakage.val_in_fit or torn):
        return "exact copies: no file equals another one"
    under_two = f"{counted(torn, 'content')} under two labels; " if torn else ""
    return (
        f"exact copies: {leakage.copies} files equal another file of their class; {under_two}"
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
    sentences = (
        leakage_sentence(leakage),
        *alike_text.sentences(leakage),
        *_sentences(inventory),
    )
    return Section(
        title="The images as they were found",
        paragraphs=tuple(
            text[0].upper() + text[1:] + ("" if text.endswith(".") else ".") for text in sentences
        ),
        tables=(
            Table(columns, rows, _explained(inventory)),
            Table(
                ("copies within the class", "val equal to fit", "test equal to fit or val"),
                by_class,
                "Identical files (sha256), by class. Of equal files all but the first are copies.",
            ),
            *alike_text.tables(leakage),
        ),
        pictures=alike_text.pictures(leakage),
    )


def _explained(inventory: Inventory) -> str:
    """Says what the columns of the table mean."""
    parts = [_EXPLAINED.removesuffix(".")]
    parts += [_GROUPED] if inventory.groups else []
    parts += [_OF_PATIENTS] if inventory.patients else []
    return "; ".join(parts) + "."


def _table(inventory: Inventory) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    grouped = any(each.groups is not None for each in inventory.classes)
    told = any(each.patients is not None for each in inventory.classes)
    columns = (*_COLUMNS, *["groups"] * grouped, *["patients"] * told)
    return columns, tuple(
        Row(each.name, tuple(_values(each, inventory, grouped=grouped, told=told)))
        for each in inventory.classes
    )


def _values(
    each: ClassInventory, inventory: Inventory, *, grouped: bool, told: bool
) -> Iterator[str]:
    yield str(each.images) + (f" in {each.files} files" if each.files < each.images else "")
    yield _most(each.formats)
    yield _most(each.sizes)
    yield f"{each.brightness:.0f}"
    yield f"{each.nearly_black}/{each.nearly_white}"
    yield str(each.coloured)
    yield str(each.copies)
    yield str(sum(e.count for e in inventory.left_out if e.class_name == each.name))
    if grouped:
        yield _spread(each.groups, each.group_sizes)
    if told:
        yield _spread(each.patients, each.patient_sizes)


def _spread(count: int | None, sizes: Sequence[int]) -> str:
    """Returns "20 of 4 to 31 (median 9)": so many groups, of so many images."""
    if not sizes:
        return "0"
    low, middle, high = sizes
    return f"{count} of {low}" + (f" to {high} (median {middle})" if low < high else "")


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
    lines = list(_left_out(inventory.left_out))
    lines += [f"grey scale of {text}" for text in inventory.grey_scales]
    lines += [f"stacks: {inventory.stacks}"] if inventory.stacks else []
    if inventory.groups:
        lines.append(f"groups (each stays on one side of the split): {inventory.groups}")
    lines += [f"patients: {inventory.patients}"] if inventory.patients else []
    lines += [f"warning: {text}" for text in inventory.warnings]
    return [printable(line) for line in lines]


def _left_out(entries: Sequence[LeftOutFiles]) -> Iterator[str]:
    """Yields a line per reason: what lies in every class folder is said once."""
    for reason in dict.fromkeys(each.reason for each in entries):
        of_reason = [each for each in entries if each.reason == reason]
        counts = [
            f"{each.count} of class {each.class_name}" if each.class_name else f"{each.count}"
            for each in of_reason
        ]
        if len(counts) > 1 and not of_reason[0].class_name:  # the first in order of the names
            counts[0] += " elsewhere"
        examples = [example for each in of_reason for example in each.examples]
        if len(counts) > 1 and reason != UNREADABLE:  # each of those is named
            examples = examples[:_EXAMPLES]
        count = sum(each.count for each in of_reason)
        whose = counts[0] if len(counts) == 1 else f"{count} ({', '.join(counts)})"
        more = ", ..." if count > len(examples) else ""
        yield f"left out: {whose}: {reason}: {', '.join(examples)}{more}"
