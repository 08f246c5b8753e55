"""Makes anew what is damaged or gone in a workdir: only time is lost.

Whatever a stage reads is checked on reading, and what finished stages left is looked at before a
run. The stage that wrote a damaged file makes it again, from the settings and inputs that it had:
its marker has been compared with them.
"""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Callable, Sequence

from synthmed_jax.errors import Damaged
from synthmed_jax.stages import base, ledger
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def look_at_markers(run: Run, stages: Sequence[Stage]) -> None:
    """Removes damaged markers.

    Their stages are then taken for ones that never ran; what they have made says by itself what it
    was made with, and is taken up again.
    """
    for stage in stages:
        try:
            base.read_marker(run, stage)
        except Damaged as error:
            print(f"{error}; {stage.name!r} looks anew at what it has made", flush=True)
            base.remove(error.path)


def with_damaged(run: Run, wanted: Sequence[Stage], needed: Sequence[Stage]) -> list[Stage]:
    """Returns the wanted stages, and those of the needed ones that have to mend something.

    Args:
      needed: the wanted stages and all that they build on, in order.
    """
    damaged = [stage for stage in needed if _is_damaged(run, stage)]
    return [stage for stage in needed if stage in wanted or stage in damaged]


def _is_damaged(run: Run, stage: Stage) -> bool:
    """Whether something of a stage has to be made anew; what is damaged is removed."""
    found = list(ledger.damage(run, stage))
    for error in found:
        _forget(run, stage, error)
    return bool(found)


def mend(
    run: Run, stage: Stage, stages: Sequence[Stage], run_stage: Callable[[Stage], None]
) -> None:
    """Runs a stage; where it finds a damaged file, the stage that wrote it runs first.

    Args:
      stages: all of them.
      run_stage: runs one.

    Raises:
      Damaged: the file is no stage's, or is damaged again.
      UserError: as of the stages.
    """
    seen = set()
    while True:
        try:
            run_stage(stage)
            return
        except (Damaged, FileNotFoundError) as found:
            error = _as_damage(run, found)
            maker = ledger.maker(run, error.path, stages)
            if maker is None or error.path in seen:
                raise
            seen.add(error.path)
            _forget(run, maker, error)
            if maker != stage:
                mend(run, maker, stages, run_stage)


def _as_damage(run: Run, error: Damaged | FileNotFoundError) -> Damaged:
    """Returns the damage that an error tells of; raises it where it is of a file elsewhere."""
    if isinstance(error, Damaged):
        return error
    if not error.filename:
        raise error
    path = pathlib.Path(os.fsdecode(error.filename)).absolute()
    root = run.workdir.root
    if not path.is_relative_to(root.absolute()):
        raise error
    return Damaged(root / path.relative_to(root.absolute()), "is gone")


def _forget(run: Run, maker: Stage, error: Damaged) -> None:
    print(f"{error}; {maker.name!r} makes it anew", flush=True)
    if error.path.is_file():  # somebody may have edited it on purpose
        aside = run.workdir.root / "damaged" / error.path.relative_to(run.workdir.root)
        aside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(error.path, aside)
        print(f"  (it is kept as {aside})", flush=True)
    maker.forget(run, error.path)
    base.mark(run, maker, "started")
