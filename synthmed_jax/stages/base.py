"""What a stage is, and how far it is in a workdir: its marker, by fields, inputs and units.

A marker is stages/<stage>.json, written atomically: with status "started" before the stage's first
output and "finished" after its last. It holds the config fields that the stage reads and the
digests of its inputs, so that a workdir never mixes two settings. A stage that has nothing to lose
yet takes other fields.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from synthmed_jax import field_history, hosts
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256
from synthmed_jax.results.marker import Marker, Status
from synthmed_jax.stages import changed_data
from synthmed_jax.stages.run import Run

# Input -> what was different when it was another.
_MEANINGS = {
    "data_hash": "the data set had other images: some were added, removed, changed or left out",
    "patients": "other images belonged together, as the patients or files said",
    "grey_scales": "other values became black and white (earlier versions scaled each file alone)",
}
# Input of a stage that chooses: on which images. Markers of earlier versions have none.
CHOSEN_ON = "chosen_on"
_BY_ANOTHER = "by a version of this program"

# What interrupted work goes on from, trainings and searches; and that with all checkpoints.
UNFINISHED = ("checkpoints", "resume", "trials", "journal.log")
CHECKPOINTS = (*UNFINISHED, "best", "checkpoint")


def remove(path: pathlib.Path) -> None:
    """Removes a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
      optional: runs only when it is named, or asked for.
      asked: whether the settings ask for an optional stage.
      folder: of its output, below the workdir; "": it has the stage's name.
      ends: names of the files that end a unit of its work. A stage without any is made anew as a
        whole, so that nothing is lost by that.
      recorded: globs of the files in its folder whose digests its marker keeps.
      needed: further files that must be there once it is finished; may raise Damaged.
      forget: (run, damaged path) removes what has to go so that `run` makes that path anew.
      inherited: whether another workdir may take its output over: it is never written into.
      reads_data: whether it reads the data set, of which run.json then tells. A stage that does not
        runs where the images are not, unless what it builds on asks for them.
      help: (run, task) what the other hosts of a run do at a task of this stage, see `helped`;
        None: one host does it alone.
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
    asked: Callable[[Run], bool] = lambda run: False
    folder: str = ""
    ends: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ("**/*",)
    needed: Callable[[Run], Iterable[pathlib.Path]] = lambda run: ()
    forget: Callable[[Run, pathlib.Path], None] = lambda run, path: remove(path)
    inherited: bool = True
    reads_data: bool = True
    help: Callable[[Run, Mapping[str, Any]], None] | None = None

    def output(self, run: Run) -> pathlib.Path:
        """The folder of its output."""
        return run.workdir.root / (self.folder or self.name)


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
    if any(field.endswith(".seed") for field in fields):  # which the master seed moves
        fields["seed"] = run.settings.fields["seed"]
    inputs = {each.name: fingerprint(run, each).digest for each in stage.inputs}
    return Fingerprint(fields, inputs | dict(stage.digests(run)))


@contextlib.contextmanager
def helped(run: Run, stage: Stage, **task: str | int) -> Iterator[None]:
    """Within it, the other hosts of the run are at a task of the stage: its `help`.

    Args:
      task: what `help` is told of it.
    """
    made_by = fingerprint(run, stage).digest
    if run.bring_up_to_date is not None and hosts.count() > 1:
        run.bring_up_to_date()
    with hosts.helped({"stage": stage.name, "made_by": made_by, **task}):
        yield


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


def holds(run: Run, stage: Stage) -> bool:
    """Whether a stage was finished with these settings and inputs, whatever its units."""
    marker = read_marker(run, stage)
    if marker is None or marker.status != "finished":
        return False
    return difference(marker, fingerprint(run, stage)) is None


def is_of_this_set(run: Run, stage: Stage) -> bool:
    """Whether a stage holds, and is of as many images as are wanted now."""
    return holds(run, stage) and is_finished(run, stage)


def mark(
    run: Run,
    stage: Stage,
    status: Status,
    files: Mapping[str, str] | None = None,
    units: Sequence[str] | None = None,
) -> None:
    """Writes the stage's marker; units of earlier runs stay where the stage adds to them.

    What a stage that failed under other fields or inputs has left is removed: none of its work had
    ended (`check_marker` makes sure of that).

    Args:
      files: path below the workdir -> sha256, what the stage left.
      units: of a stage that has finished, those that it was to make; None: that are wanted now.
    """
    before = read_marker(run, stage)
    now = fingerprint(run, stage)
    if before is not None and difference(before, now) is not None:
        before = None
        for name in CHECKPOINTS:
            for path in sorted(stage.output(run).glob(f"**/{name}")):
                remove(path)
    there = set(before.units) if before and stage.adds else set()
    if status == "finished":
        there.update(stage.units(run) if units is None else units)
    marker = Marker(status, now.fields, now.inputs, tuple(sorted(there)), dict(files or {}))
    marker.write(run.workdir.marker(stage.name))


def check_marker(run: Run, stage: Stage) -> None:
    """Refuses to go on with a stage that has made something from other fields or inputs.

    Raises:
      UserError: naming the field, both values, the stage and what to do.
    """
    marker = read_marker(run, stage)
    if marker is None:
        return
    found = difference(marker, fingerprint(run, stage), lambda: changed_data.describe(run))
    if found is None or not _has_work(run, stage, marker.status):
        return
    root = run.workdir.root
    mend = "restore that" if found.startswith("when") else "set it back"
    if found.startswith(_BY_ANOTHER):
        mend = "use that version"
    raise UserError(
        f"stage {stage.name!r} in {root} was run {found}: {mend}, or go on in a new folder that "
        f"takes over what this one has and still holds: --from={root} --workdir=<new folder>"
    )


def _has_work(run: Run, stage: Stage, status: Status) -> bool:
    """Whether a stage has made something that other settings would lose."""
    if status == "finished":
        return True
    folder = stage.output(run)
    kept = stage.ends if status == "failed" else (*stage.ends, *UNFINISHED)
    return bool(stage.ends) and any(next(folder.glob(f"**/{name}"), None) for name in kept)


def difference(
    marker: Marker, given: Fingerprint, what_changed: Callable[[], str] = lambda: ""
) -> str | None:
    """Says in which field or input a stage's marker differs from what is given; None: in none.

    Args:
      what_changed: says which images are others, "" where that is not known.
    """
    fields = field_history.with_new_names(marker.fields)
    gone = sorted(set(fields) - set(given.fields) - set(field_history.ADDED))
    if gone:
        return f"{_BY_ANOTHER} in which it depended on config field {gone[0]}"
    # As JSON has it: a tuple is a list there.
    wanted: dict[str, object] = json.loads(json.dumps(given.fields))
    for name in sorted({*fields, *wanted}):
        default = field_history.ADDED.get(name)
        before, now = fields.get(name, default), wanted.get(name, default)
        if before != now:
            return f"with config field {name} = {before!r}, now it is {now!r}"
    for name in sorted({*marker.inputs, *given.inputs}):
        one, other = marker.inputs.get(name), given.inputs.get(name)
        if one != other and name == CHOSEN_ON:
            return f"{_BY_ANOTHER} that chose on other images (today: {other})"
        if one != other:
            values = f"input {name} = {one!r}, now it is {other!r}"
            if name == "data_hash":
                values = what_changed() or values
            return f"when {_MEANINGS[name]} ({values})" if name in _MEANINGS else f"with {values}"
    return None
