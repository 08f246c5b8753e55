"""Which columns of a table of labels are used: those that the user names, else those found."""

import dataclasses
from collections.abc import Sequence

from synthmed_jax import checks
from synthmed_jax.data import settings as data_settings
from synthmed_jax.data import table_columns, tables
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.data.sets import one_hot
from synthmed_jax.data.sets.flags import flag
from synthmed_jax.errors import UserError

ROLES = ("file", "label", "patient")


@dataclasses.dataclass(frozen=True)
class Columns:
    """The numbers of a table's columns; `patient` is None where the table has no patients.

    Where each class has a column of its own, `one_hot` are these, and `label` is the column that
    `one_hot.add_labels` adds.
    """

    file: int
    label: int
    patient: int | None
    one_hot: tuple[int, ...] = ()


def choose(table: tables.Table, names: ImageNames, told: str) -> Columns:
    """Chooses the columns of file, label and patient; see table_columns.py for the headings.

    Args:
      told: `data.columns`: "" or those that the user names, "file=image_id,label=dx"; several
        labels are a column for each class.

    Raises:
      UserError: with the table's columns and the flag, where a column is not to be told.
    """
    columns = _told(table, told)
    files = columns["file"] or table_columns.find_file_column(table, names)
    labels = columns["label"] or table_columns.find_label_columns(table)
    labels = [label for label in labels if [label] != files]
    per_class = columns["label"] if len(columns["label"]) > 1 else []
    if not labels and len(files) == 1:
        per_class = find_one_hot(table, files[0], columns["patient"])
    if len(files) != 1 or (len(labels) != 1 and not per_class):
        raise UserError(_unclear(table, files, labels))
    label = len(table.columns) if per_class else labels[0]
    patient = next(iter(columns["patient"]), None)
    if patient is None:
        patient = table_columns.find_patient_column(table, files[0])
    used = (label, *per_class)
    return Columns(files[0], label, None if patient in used else patient, tuple(per_class))


def find_one_hot(table: tables.Table, file: int, patients: Sequence[int] = ()) -> list[int]:
    """Returns the columns of a class each, as `one_hot.find`; `patients`: the one that is told."""
    found = table_columns.find_patient_column(table, file)
    return one_hot.find(table, [file, *patients, *([] if found is None else [found])])


def columns_flag(table: tables.Table, files: Sequence[int], labels: Sequence[int]) -> str:
    """Returns --config.data.columns='file=image_id,label=...', "..." where it is not known."""

    def known(found: Sequence[int]) -> str:
        return table.columns[found[0]] if len(found) == 1 else "..."

    text = flag("data.columns", f"file={known(files)}", f"label={known(labels)}")
    if len(labels) == 1:
        return text
    choices = [table.columns[i] for i in labels] or [
        name for i, name in enumerate(table.columns) if [i] != list(files)
    ]
    return f"{text} (label: one of {', '.join(choices)})"


def _told(table: tables.Table, told: str) -> dict[str, list[int]]:
    """Returns role -> the columns that the user names for it, for all ROLES."""
    columns: dict[str, list[int]] = {role: [] for role in ROLES}
    for item in data_settings.names(told):
        role, _, name = (text.strip() for text in item.partition("="))
        if role not in ROLES or not name:
            raise UserError(
                f"config.data.columns: {item!r} must be file=..., label=... or patient=..., with "
                f"a column of {table.path}: {', '.join(table.columns)}"
            )
        column = table_columns.column_called(table, name)
        if column is None:
            checks.one_of("config.data.columns", name, table.columns)
            continue
        again = role != "label" and bool(columns[role])
        if again or any(column in of_role for of_role in columns.values()):
            raise UserError(
                f"config.data.columns={told!r} names {'the ' + role if again else name} "
                "twice: the columns of file, label and patient are different ones"
            )
        columns[role].append(column)
    return columns


def _unclear(table: tables.Table, files: Sequence[int], labels: Sequence[int]) -> str:
    def fit(found: Sequence[int], what: str, where: str) -> str:
        names = ", ".join(table.columns[column] for column in found)
        return f"{names} may all be {what}" if found else f"no column {where}"

    unclear = []
    if len(files) != 1:
        unclear.append(fit(files, "the images' names", "has cells that fit the images' names"))
    if len(labels) != 1:
        unclear.append(fit(labels, "the label", "is called label or the like"))
    return (
        f"{table.path}: {' and '.join(unclear)}. Say which columns to use: "
        f"{columns_flag(table, files, labels)}. The columns are: {table}"
    )
