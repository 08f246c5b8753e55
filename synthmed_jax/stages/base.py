"""What a stage is, and how far it is in a workdir: its marker, by fields, inputs and units.

A marker is stages/<stage>.json, written atomically: with status "started" before the stage's first
output and "finished" after its last. It holds the config fields that the stage reads and the
digests of its inputs, so that a workdir never mixes two settings.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from synthmed_jax import field_history
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256
from synthmed_jax.results.marker import Marker
from synthmed_jax.stages import changed_data
from synthmed_jax.stages.run import Run

# Input -> what was different when it was another.
_MEANINGS = {
    "data_hash": "the data set had other images: some were added, removed, changed or left out",
    "patients": "other images belonged together, as the patients or files said",
    "grey_scales": "other values became black and white (earlier versions scaled each file alone)",
}


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
      name: in `--stages`, of its marker.
      run: does the work, skipping what an earlier, interrupted run has done.
      fields: prefixes of the config fields that its output depends on.
      ignored: fields under those prefixes that change no output, or only add units.
      inputs: stages whose output it reads.
      inputs_if: more of them, under some settings only; `fields` must hold all that they depend on.
      digests: name -> digest, what its output depends on beside fields and inputs.
      units: of work that are wanted now; the stage is finished when its marker has them all.
      adds: its output keeps the units of earlier runs. Otherwise it is the last run's alone, and
        made anew when other units are wanted.
      check: raises UserError for what would stand in the way later, before any work.
      expect: seconds that the work left will take on this machine; None: the stage is short.
      optional: runs only when it is named.
    """

    name: str
    run: Callable[[Run], None]
    fields: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    inputs: tuple[Stage, ...] = ()
    inputs_if: Callable[[Run], tuple[Stage, ...]] = lambda run: ()
    digests: Callable[[Run], Mapping[str, str]] = lambda run: {}
    units: Callable[[Run], Sequence[str]] = lambda run: ("all",)
    adds: bool = False
    check: Callable[[Run], None] = lambda run: None
    expect: Callable[[Run], float] | None = None
    optional: bool = False


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """What a stage's output depends on.

    Attributes:
      fields: config field -> value, those that the stage reads.
      inputs: name -> digest, what it reads from earlier stages and files.
    """

    fields: dict[str, object]
    inputs: dict[str, str]

    @property
    def digest(self) -> str:
        """sha256 over both; names and defaults of the fields as the first version had them."""
        text = json.dumps([field_history.for_digest(self.fields), self.inputs], sort_keys=True)
        return sha256(text.encode())


def fingerprint(run: Run, stage: Stage) -> Fingerprint:
    """What the stage's output depends on, under the run's settings."""
    fields = {
        field: value
        for field, value in run.settings.fields.items()
        if field.startswith(stage.fields or ("\0",)) and field not in stage.ignored
    }
    inputs = {each.name: fingerprint(run, each).digest for each in stage.inputs}
    return Fingerprint(fields, inputs | dict(stage.digests(run)))


def upstream(run: Run, stage: Stage) -> tuple[Stage, ...]:
    """Stages whose output a stage reads, under the run's settings."""
    return (*stage.inputs, *stage.inputs_if(run))


def with_upstream(run: Run, wanted: Iterable[Stage], order: Sequence[Stage]) -> list[Stage]:
    """The wanted stages and all that they build on, in order."""
    names = {stage.name for stage in wanted}
    for stage in reversed(order):
        if stage.name in names:
            names.update(each.name for each in upstream(run, stage))
    return [stage for stage in order if stage.name in names]


def read_marker(run: Run, stage: Stage) -> Marker | None:
    """The stage's marker, or None if it never started."""
    return Marker.read_if_there(run.workdir.marker(stage.name))


def is_finished(run: Run, stage: Stage) -> bool:
    """Whether the stage's output is there, with all the units that are wanted now."""
    marker = read_marker(run, stage)
    if marker is None or marker.status != "finished":
        return False
    wanted, done = set(stage.units(run)), set(marker.units)
    return wanted <= done if stage.adds else wanted == done


def mark(run: Run, stage: Stage, status: Literal["started", "finished"]) -> None:
    """Writes the stage's marker; units of earlier runs stay where the stage adds to them."""
    before = read_marker(run, stage)
    units = set(before.units) if before and stage.adds else set()
    if status == "finished":
        units.update(stage.units(run))
    now = fingerprint(run, stage)
    marker = Marker(status, now.fields, now.inputs, tuple(sorted(units)))
    marker.write(run.workdir.marker(stage.name))


def check_marker(run: Run, stage: Stage) -> None:
    """Refuses to go on with a stage that was started from other fields or inputs.

    Raises:
      UserError: naming the field, both values, the stage and what to do.
    """
    marker = read_marker(run, stage)
    if marker is None:
        return
    given = fingerprint(run, stage)
    where = f"stage {stage.name!r} in {run.workdir.root}"
    fields = field_history.with_new_names(marker.fields)
    gone = sorted(set(fields) - set(given.fields) - set(field_history.ADDED))
    if gone:
        raise UserError(
            f"{where} was run by a version of this program in which it depended on config field "
            f"{gone[0]}: delete {run.workdir.marker(stage.name)} and what the stage wrote, and it "
            "is made anew, or take a new --workdir"
        )
    # As JSON has it: a tuple is a list there.
    wanted: dict[str, object] = json.loads(json.dumps(given.fields))
    for name in sorted({*fields, *wanted}):
        default = field_history.ADDED.get(name)
        _refuse_change(
            where, "config field", name, fields.get(name, default), wanted.get(name, default)
        )
    for name in sorted({*marker.inputs, *given.inputs}):
        before, now = marker.inputs.get(name), given.inputs.get(name)
        if before != now and name in _MEANINGS:
            what = f"input {name} = {before!r}, now it is {now!r}"
            if name == "data_hash":
                what = changed_data.describe(run) or what
            raise UserError(
                f"{where} was run when {_MEANINGS[name]} ({what}): restore that, or take a new "
                "--workdir"
            )
        _refuse_change(where, "input", name, before, now)


def _refuse_change(where: str, noun: str, name: str, before: object, now: object) -> None:
    if before != now:
        raise UserError(
            f"{where} was run with {noun} {name} = {before!r}, now it is {now!r}: set it back, or "
            "take a new --workdir"
        )
