"""A new workdir that takes over the finished stages of another one: `--from`."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
from collections.abc import Container, Sequence

from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.results.run_info import RunInfo
from synthmed_jax.stages import base, changed_data, ledger
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run, make_run


def take_over(run: Run, source: pathlib.Path, stages: Sequence[Stage]) -> None:
    """Links the output of each stage that another workdir has finished as this run wants it.

    A stage is taken over if its config fields and its inputs are the same there as here, and if
    this workdir has not begun it. Files are linked and not copied, where both folders lie on one
    disk: no stage writes into a file that is there already. Prints what is taken and what is not.

    Raises:
      UserError: the folder is no workdir, is this one, or has no stage that can be taken over.
    """
    source = source.expanduser()
    if not (source / "stages").is_dir():
        raise UserError(f"--from={source} is no workdir of a run: it has no folder stages/")
    if source.resolve() == run.workdir.root.resolve():
        raise UserError(f"--from={source} is the --workdir itself: give a new folder")
    other = make_run(run.settings, source)
    taken, lines, lacking = [], [], set[str]()
    for stage in stages:
        reason = _why_not(run, other, stage, lacking)
        if reason is None:
            _link(other, run, stage)
            taken.append(stage.name)
        elif reason:
            lacking.add(stage.name)
            lines.append(f"  {stage.name} is not: {reason}")
    begun = any(run.workdir.marker(stage.name).exists() for stage in stages)
    if not begun:
        raise UserError("\n".join([f"nothing of --from={source} can be taken over:", *lines]))
    if taken:
        _keep_records(other, run, taken)
        print("\n".join([f"from {source}: {', '.join(taken)} taken over", *lines]), flush=True)


def _why_not(run: Run, other: Run, stage: Stage, lacking: Container[str]) -> str | None:
    """Says why a stage can't be taken over; None: it can, "": there is nothing to say.

    Args:
      lacking: stages that are not taken over.
    """
    if run.workdir.marker(stage.name).exists() or not stage.inherited:
        return ""
    try:
        marker = base.read_marker(other, stage)
    except Damaged as error:
        return str(error)
    if marker is None:
        return ""
    for upstream in base.upstream(run, stage):
        if upstream.name in lacking:
            return f"it builds on {upstream.name}"
    found = base.difference(
        marker, base.fingerprint(run, stage), lambda: changed_data.describe(other)
    )
    if found is not None:
        return f"it was run {found}"
    if marker.status != "finished":
        return "it is not finished there"
    damaged = next(ledger.damage(other, stage), None)
    return None if damaged is None else str(damaged)


def _keep_records(other: Run, run: Run, taken: Sequence[str]) -> None:
    """Adds to run.json what the stages took there."""
    there = RunInfo.read_if_there(other.workdir.run_info)
    if there is None:
        return
    here = RunInfo.read_if_there(run.workdir.run_info)
    known = {name: there.stages[name] for name in taken if name in there.stages}
    stages = {**(here.stages if here else {}), **known}
    dataclasses.replace(here or there, stages=stages).write(run.workdir.run_info)


def _link(other: Run, run: Run, stage: Stage) -> None:
    """Links all files of a stage; its marker comes last."""
    source, target = stage.output(other), stage.output(run)
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            _link_file(path, place)
    _link_file(other.workdir.marker(stage.name), run.workdir.marker(stage.name))


def _link_file(path: pathlib.Path, place: pathlib.Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # of a run that was killed while it linked
    try:
        os.link(path, place)
    except OSError:  # another disk, or a file system without links
        shutil.copy2(path, place)
