"""Which files of the data set are others than when it was split."""

from __future__ import annotations

from synthmed_jax.data import changes, held_out
from synthmed_jax.errors import UserError
from synthmed_jax.results.data_files import DataFiles
from synthmed_jax.stages.run import Run


def describe(run: Run) -> str:
    """Returns it in words, as `changes.describe`; "" where the workdir does not hold what it takes.

    It belongs into a refusal: a list of files that can't be read must not hide that.
    """
    try:
        before = DataFiles.read_if_there(run.workdir.data_files)
    except UserError:
        return ""
    return changes.describe(before, held_out.list_files(run.inputs.data)) if before else ""
