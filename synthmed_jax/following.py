"""What the hosts of a run do that do not lead it: they wait for tasks, and help."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from synthmed_jax import hosts, stopping
from synthmed_jax.errors import UserError
from synthmed_jax.files import written_by_another
from synthmed_jax.stages import base
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# What a host reads of the workdir in tasks of any stage.
FOLDERS = ("stages", "split", "diffusion")
_SEEN_SECONDS = 60.0  # a file system of several hosts may show a new file only after a while


def follow(run: Run, stages: Sequence[Stage]) -> None:
    """Helps the leader until the run is done.

    In the workdir it writes the images that it draws, and nothing else but a cache there; in a copy
    of its own not even those.

    A signal does not end it here: the leader saves first, which takes the help of all, and then the
    run ends on every host.

    Raises:
      UserError: this host sees another workdir than the leader, or has other settings or images.
    """
    by_name = {stage.name: stage for stage in stages}
    own = run.workdir.synthetic, run.settings.data.cache  # which may lie in the workdir
    with stopping.deferred(), written_by_another(run.workdir.root, *own):
        while (task := hosts.told()) is not None:
            stage = by_name[task["stage"]]
            if run.bring_up_to_date is not None:
                run.bring_up_to_date()
            _check(run, stage, task)
            assert stage.help is not None
            stage.help(run, task)


def _check(run: Run, stage: Stage, task: Mapping[str, Any]) -> None:
    """Whether this host has what the leader has."""
    started = time.monotonic()
    while "timed" not in task and not all(
        base.is_finished(run, each) for each in base.upstream(run, stage)
    ):
        if time.monotonic() - started > _SEEN_SECONDS:
            raise UserError(
                f"--workdir={run.workdir.root} on host {hosts.index()} lacks what host 0 has "
                "written there: name a folder that all hosts share"
            )
        time.sleep(1)
    if base.fingerprint(run, stage).digest != task["made_by"]:
        raise UserError(
            f"host {hosts.index()} has other settings or other images than host 0: give the same "
            "command and the same data.dir on all hosts"
        )
