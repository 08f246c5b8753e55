"""The stage that writes what a finished run says into one file, which `pool` reads elsewhere."""

from __future__ import annotations

import hashlib

from synthmed_jax.data import held_out
from synthmed_jax.evaluation import records
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
    sha = hashlib.sha256()
    for name in (*records.DOCUMENTS, records.PREDICTIONS):
        path = run.workdir.root / name
        sha.update(path.read_bytes() if path.exists() else b"absent")
    return (sha.hexdigest(),)


STAGE = Stage(
    "record",
    _run,
    inputs=(evaluate.STAGE,),
    units=_unit,
    optional=True,
    inherited=False,
    reads_data=False,
)
