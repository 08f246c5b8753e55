"""The stage that divides the real images into `fit`, `val` and what is held out."""

from __future__ import annotations

from synthmed_jax.data import held_out
from synthmed_jax.data.grouping import is_table
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)


def _digests(run: Run) -> dict[str, str]:
    """The images' content, and a table of patients by what it says, not by its path."""
    digests = {"data_hash": run.inputs.data.data_hash}
    if is_table(run.settings.split.group_by):
        patients = run.inputs.planned_split.groups_digest
        if patients is not None:
            digests["patients"] = patients
    return digests


STAGE = Stage(
    "split",
    _run,
    fields=("data.", "split."),
    ignored=("data.dir", "data.cache_dir"),
    digests=_digests,
)
