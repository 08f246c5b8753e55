"""Which column of a table names the images, which the labels, and which the patients."""

from __future__ import annotations

import re

from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.data.tables import Table
from synthmed_jax.errors import UserError

LABEL_HEADINGS = (
    "class", "classname", "target", "diagnosis", "dx", "finding", "findings", "findinglabels",
    "category", "disease", "pathology",
)  # fmt: skip
"""Headings under which labels are looked for where no column is called "label"; `heading`."""
PATIENT_HEADINGS = (
    "patientid", "patients", "pid", "subject", "subjectid", "case", "caseid", "lesion", "lesionid",
)  # fmt: skip
"""Headings under which patients are looked for where no column is called "patient": the first that
is there, from the whole person down to one lesion."""


def heading(name: str) -> str:
    """Returns how headings are compared: without case, blanks, `_`, `-`, `.` and `#`."""
    return re.sub(r"[\s_.#-]", "", name).lower()


def column_called(table: Table, name: str) -> int | None:
    """Returns the column with this heading; None: there is none.

    Raises:
      UserError: several have it.
    """
    exact = [index for index, column in enumerate(table.columns) if column == name]
    wanted = heading(name)
    alike = [index for index, c in enumerate(table.columns) if heading(c) == wanted]
    found = exact or alike
    if len(found) > 1:
        raise UserError(f"{table.path} has {len(found)} columns called {name}: rename all but one")
    return found[0] if found else None


def find_file_column(table: Table, names: ImageNames) -> list[int]:
    """Returns the columns that may name images: "file", or those whose cells fit most images.

    A column that fits at most half as many images as the best one does not count: an age of 50 is
    the name of 50.png by chance.
    """
    file = column_called(table, "file")
    if file is not None:
        return [file]
    hits = {}
    for column in range(len(table.columns)):
        cells = set(table.cells(column)) - {""}
        hits[column] = len({image for cell in cells for image in names.matches(cell)})
    most = max(hits.values())
    return [column for column, count in hits.items() if 2 * count > most]


def find_label_columns(table: Table) -> list[int]:
    """Returns the columns that may hold labels: "label", or those under LABEL_HEADINGS."""
    label = column_called(table, "label")
    if label is None:
        label = column_called(table, "labels")
    if label is not None:
        return [label]
    return [i for i, name in enumerate(table.columns) if heading(name) in LABEL_HEADINGS]


def find_patient_column(table: Table, file_column: int) -> int | None:
    """Returns the column of patients: "patient", or the first of PATIENT_HEADINGS; None: none."""
    for name in ("patient", *PATIENT_HEADINGS):
        column = column_called(table, name)
        if column is not None and column != file_column:
            return column
    return None
