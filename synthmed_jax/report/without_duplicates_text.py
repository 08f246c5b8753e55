"""Scores on test images without a near-duplicate, as a section of the report."""

from __future__ import annotations

from synthmed_jax.report.formats import DASH, n_is, percent, short_name
from synthmed_jax.results.section import Row, Section, Table
from synthmed_jax.results.without_duplicates import CellWithout, WithoutDuplicates


def to_section(beside: WithoutDuplicates, *, twins_alone: bool = False) -> Section:
    """Returns the section.

    Args:
      twins_alone: whether images of equal pixels alone were looked for.
    """
    known, like = beside.num_test - beside.num_new, "twin" if twins_alone else "near-duplicate"
    linked = "have a twin or near-duplicate in fit or val, or a chain of them leads there"
    if twins_alone:
        linked = (
            "have a twin, an image of equal pixels, in fit or val; near-duplicates were not looked "
            "for"
        )
    return Section(
        title=f"Test images without a {like}",
        paragraphs=(
            f"{known} of {beside.num_test} test images {linked}. The table has the scores on the "
            f"other {beside.num_new} beside those on all.",
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
                f"Means over trainings, of all test images and of those without a {like} in fit or "
                "val.",
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
