"""What finished stages left in the workdir, and whether it is still there as they left it."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence

from synthmed_jax.errors import Damaged
from synthmed_jax.files import sha256_of
from synthmed_jax.stages import base
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def record(run: Run, stage: Stage) -> dict[str, str]:
    """Returns path below the workdir -> sha256 of the files that a stage has left.

    Checkpoints are not among them: they are large, and hold digests that are checked on reading.
    """
    root, folder = run.workdir.root, stage.output(run)
    found = {path for glob in stage.recorded for path in folder.glob(glob) if path.is_file()}
    return {
        path.relative_to(root).as_posix(): sha256_of(path)
        for path in sorted(found)
        if not set(path.relative_to(folder).parent.parts) & set(base.CHECKPOINTS)
    }


def damage(run: Run, stage: Stage) -> Iterator[Damaged]:
    """Yields each file of a finished stage that is gone, or is not what the stage left."""
    marker = base.read_marker(run, stage)
    if marker is None or marker.status != "finished":
        return
    for name, written in marker.files.items():
        path = run.workdir.root / name
        if not path.is_file():
            yield Damaged(path, "is gone")
        elif sha256_of(path) != written:
            yield Damaged(path, f"is damaged: it is not what the stage {stage.name!r} left")
    try:
        gone = [path for path in stage.needed(run) if not path.exists()]
    except Damaged as error:
        yield error
    else:
        yield from (Damaged(path, "is gone") for path in gone)


def maker(run: Run, path: pathlib.Path, stages: Sequence[Stage]) -> Stage | None:
    """Returns the stage in whose folder a path lies; None: it is no stage's."""
    return next((stage for stage in stages if path.is_relative_to(stage.output(run))), None)
