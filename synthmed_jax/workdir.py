"""A run's folder: markers that say which stage is finished, from which fields and inputs.

A marker is stages/<stage>.json, written atomically: with status "started" before the stage's first
output and "finished" after its last. It fingerprints the config fields that the stage reads and the
digests of its inputs, so that a workdir never mixes two settings.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from synthmed_jax.errors import UserError
from synthmed_jax.files import read_json, write_json

# Fields that are younger than some workdirs, at the value that does what those were made with: so
# they say nothing new, and what was trained before stays valid.
YOUNG_FIELDS = {
    "diffusion.unet.middle_attention": True,
    "diffusion.unet.embedding": "scale_shift",
    "classifier.transform_input": "auto",
    "classifier.dtype": "float32",
    "explain.control": "none",
}


@contextlib.contextmanager
def lock(workdir: pathlib.Path) -> Iterator[None]:
    """Keeps other runs out of a workdir; the system lets go of it when the process ends.

    Raises:
      UserError: another run is at work there.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    with (workdir / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another run is at work in {workdir}: wait for its end, or take a new --workdir"
            ) from error
        except OSError as error:
            print(f"{workdir} can't be locked ({error.strerror}): start no second run in it")
        yield


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """What a stage's output depends on.

    Attributes:
      fields: config field -> value, those that the stage reads.
      inputs: name -> digest, what it reads from earlier stages.
    """

    fields: Mapping[str, Any]
    inputs: Mapping[str, str]

    @property
    def digest(self) -> str:
        """sha256 over both."""
        fields = {n: v for n, v in self.fields.items() if (n, v) not in YOUNG_FIELDS.items()}
        text = json.dumps([fields, self.inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _marker(workdir: pathlib.Path, stage: str) -> pathlib.Path:
    return workdir / "stages" / f"{stage}.json"


def read_marker(workdir: pathlib.Path, stage: str) -> dict[str, Any] | None:
    """The stage's marker, or None if it never started."""
    path = _marker(workdir, stage)
    return read_json(path) if path.exists() else None


def is_finished(workdir: pathlib.Path, stage: str, cells: list[str], *, adds: bool) -> bool:
    """Whether the stage finished, with these cells (its units of work).

    With `adds`, more cells may lie beside them; otherwise its output must be of just these.
    """
    marker = read_marker(workdir, stage)
    if marker is None or marker["status"] != "finished":
        return False
    wanted, found = set(cells), set(marker["cells"])
    return wanted <= found if adds else wanted == found


def check(workdir: pathlib.Path, stage: str, fingerprint: Fingerprint) -> None:
    """Refuses to go on with a stage that was started from other fields or inputs.

    Raises:
      UserError: naming the field, both values, the stage and what to do.
    """
    marker = read_marker(workdir, stage)
    if marker is None:
        return
    given = json.loads(json.dumps(dataclasses.asdict(fingerprint)))
    for kind, noun in [("fields", "config field"), ("inputs", "input")]:
        for name in sorted({*marker[kind], *given[kind]}):
            before, now = (side[kind].get(name, YOUNG_FIELDS.get(name)) for side in (marker, given))
            if before != now:
                raise UserError(
                    f"stage {stage!r} in {workdir} was run with {noun} {name} = {before!r}, now it "
                    f"is {now!r}: set it back, or take a new --workdir"
                )


def mark(
    workdir: pathlib.Path,
    stage: str,
    status: str,
    fingerprint: Fingerprint,
    cells: list[str],
    *,
    adds: bool,
) -> None:
    """Writes the marker; with `adds`, the cells of earlier runs are still there beside these."""
    before = read_marker(workdir, stage)
    kept = before["cells"] if before and adds else []
    if status == "finished":
        kept = sorted({*kept, *cells})
    value = {"status": status, **dataclasses.asdict(fingerprint), "cells": kept}
    write_json(_marker(workdir, stage), value)
