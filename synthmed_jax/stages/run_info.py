"""Writes run.json: what each stage took, and what this run is and runs on."""

from __future__ import annotations

from synthmed_jax import machine
from synthmed_jax.errors import Damaged
from synthmed_jax.results.run_info import DataFacts, RunInfo, StageRecord
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def add(
    run: Run, stage: Stage, status: str, seconds: float, expected_seconds: float | None
) -> None:
    """Adds a stage to run.json.

    Args:
      status: "finished" or "stopped".
      seconds: that it took now.
      expected_seconds: that were foretold; None: none were.
    """
    path = run.workdir.run_info
    try:
        info = RunInfo.read_if_there(path)
    except Damaged as error:  # it only tells of earlier runs
        print(f"{error}: it is begun anew", flush=True)
        info = None
    stages = dict(info.stages) if info else {}
    before = stages.get(stage.name, StageRecord(status, 0.0, 0.0))
    stages[stage.name] = StageRecord(
        status=status,
        seconds=round(before.seconds + seconds, 1),
        peak_memory_mib=machine.peak_memory_mib(),
        expected_seconds=None if expected_seconds is None else round(expected_seconds, 1),
        commits=tuple(dict.fromkeys((*before.commits, machine.commit()))),
    )
    seeds = {
        field: value
        for field, value in run.settings.fields.items()
        if field.endswith("seed") and isinstance(value, int)
    }
    data = run.inputs.data
    facts = DataFacts(run.settings.data.name, data.data_hash, len(data), data.unreadable)
    machine.describe_run(seeds=seeds, data=facts, stages=stages).write(path)
