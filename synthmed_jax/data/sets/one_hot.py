"""Tables with a column per class, and a 1 in that of the image's class: so come those of ISIC."""

import dataclasses
from collections.abc import Collection, Sequence

from synthmed_jax.data.counted import counted
from synthmed_jax.data.sets.flags import flag, some
from synthmed_jax.data.tables import Table
from synthmed_jax.errors import UserError


def find(table: Table, others: Collection[int]) -> list[int]:
    """Returns the columns that hold 0 and 1 (or 0.0 and 1.0) alone; none if it is only one.

    Args:
      others: columns of names and patients, which are none of them.
    """
    found = [
        column
        for column in range(len(table.columns))
        if column not in others and all(_value(cell) is not None for cell in table.cells(column))
    ]
    return found if len(found) > 1 else []


def add_labels(table: Table, columns: Sequence[int]) -> Table:
    """Returns the table with one more column, the last: the heading above the 1 of each row.

    Args:
      columns: one for each class.

    Raises:
      UserError: a cell is neither 0 nor 1, or a row does not have exactly one 1; names the line.
    """
    names = [table.columns[column] for column in columns]
    labels, wrong = [], []
    for row, line in zip(table.rows, table.lines, strict=True):
        values = [_value(row[column]) for column in columns]
        if None in values:
            cell, name = row[columns[values.index(None)]], names[values.index(None)]
            raise UserError(
                f"{table.path} line {line}: {cell or 'empty'} in column {name}, which is one of "
                "several columns of labels: 0 or 1 is expected"
            )
        ones = [name for name, value in zip(names, values, strict=True) if value]
        labels.append(ones[0] if ones else "")
        if len(ones) != 1:
            wrong.append(f"line {line} ({', '.join(ones) or 'none'})")
    if wrong:
        example = flag("data.columns", *(f"label={name}" for name in names[:2]))
        raise UserError(
            f"{table.path}: of the columns {', '.join(names)} each row must have a 1 in exactly "
            f"one, which is the image's class, and {counted(len(wrong), 'row')} "
            f"{'does' if len(wrong) == 1 else 'do'} not: {some(wrong)}. Mend or delete them (an "
            f"image without a row is left out), or name the columns of the classes, as {example}"
        )
    return dataclasses.replace(
        table,
        columns=(*table.columns, ", ".join(names)),
        rows=tuple((*row, label) for row, label in zip(table.rows, labels, strict=True)),
    )


def _value(cell: str) -> bool | None:
    """Returns whether a cell is 1; None if it is neither 0 nor 1."""
    try:
        return {0.0: False, 1.0: True}.get(float(cell))
    except ValueError:
        return None
