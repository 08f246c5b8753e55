"""The stage that writes what a finished run says into one file, which `pool` reads elsewhere."""

from __future__ import annotations

from synthmed_jax.data import held_out
from synthmed_jax.evaluation import records
from synthmed_jax.files import sha256_of_all
from synthmed_jax.stages import evaluate
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    groups = held_out.read_test_groups(run.workdir.split)
    record = records.read_record(run.workdir.root, groups, records.DOCUMENTS)
    record.write(run.workdir.record)
    print(f"record: {run.workdir.record.absolute()}", flush=True)


def _unit(run: Run) -> tuple[str, ...]:
    """Another one where a file that the record keeps has changed."""
    names = (*records.DOCUMENTS, records.PREDICTIONS)
    return (sha256_of_all(run.workdir.root / name for name in names),)


STAGE = Stage(
    "record",
    _run,
    inputs=(evaluate.STAGE,),
    units=_unit,
    optional=True,
    inherited=False,
    reads_data=False,
)
