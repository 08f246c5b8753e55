"""Scores on test images without a near-duplicate, as a section of the report."""

from __future__ import annotations

from synthmed_jax.report.formats import DASH, n_is, percent, short_name
from synthmed_jax.results.section import Row, Section, Table
from synthmed_jax.results.without_duplicates import CellWithout, WithoutDuplicates


def to_section(beside: WithoutDuplicates) -> Section:
    """Returns the section."""
    known = beside.num_test - beside.num_new
    return Section(
        title="Test images without a near-duplicate",
        paragraphs=(
            f"{known} of {beside.num_test} test images have a twin or near-duplicate in fit or "
            f"val, or a chain of them leads there. The table has the scores on the other "
            f"{beside.num_new} beside those on all.",
        ),
        tables=(
            Table(
                (
                    f"accuracy, all ({n_is(beside.num_test)})",
                    f"without ({n_is(beside.num_new)})",
                    "balanced accuracy, all",
                    "without",
                ),
                tuple(_row(cell) for cell in beside.cells),
                "Means over trainings, of all test images and of those without a near-duplicate in "
                "fit or val.",
            ),
        ),
    )


def _row(cell: CellWithout) -> Row:
    every, new = cell.on_all, cell.on_new
    return Row(
        short_name(cell),
        (
            percent(every.accuracy),
            DASH if new is None else percent(new.accuracy),
            percent(every.balanced_accuracy),
            DASH if new is None else percent(new.balanced_accuracy),
        ),
    )
