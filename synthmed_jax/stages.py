"""The stages of a run, their order, and what each reads: files in, files out."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable

from synthmed_jax import classifier_stages, diffusion_stages, tune_stage, workdir
from synthmed_jax.data import split
from synthmed_jax.data.grouping import is_table
from synthmed_jax.experiment import Run
from synthmed_jax.report import html
from synthmed_jax.results.cells import Cell


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
      run: does the work, skipping what an earlier, interrupted run finished.
      fields: prefixes of the config fields that its output depends on.
      ignored: fields under those prefixes that change no output, or only add cells.
      inputs: stages whose output it reads.
      at_times: stages whose output it reads under some settings only; `fields` must hold all that
        they depend on.
      cells: units of work wanted now; the stage is finished when its marker has them all.
      adds: its output keeps the cells of earlier runs; otherwise it is of the last run's alone, and
        made anew when others are wanted.
      check: raises what would stand in the way later, before anything is done.
      optional: runs only when it is named.
    """

    run: Callable[[Run], None]
    fields: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    at_times: Callable[[Run], tuple[str, ...]] = lambda run: ()
    cells: Callable[[Run], list[str]] = lambda run: ["all"]
    adds: bool = False
    check: Callable[[Run], None] = lambda run: None
    optional: bool = False


def _split(run: Run) -> None:
    found = run.data
    split.write_split(
        run.split_path,
        run.planned_split,
        found.images,
        found.data_hash,
        found.unreadable,
        run.settings.split,
    )


def _report(run: Run) -> None:
    cells = [Cell.from_path(cell.path) for cell in run.cells]
    html.write_report(run.workdir, cells, run.parts.fit, run.synthetic)


def _cell_names(run: Run) -> list[str]:
    return [cell.path for cell in run.cells]


def _images_a_class(run: Run) -> list[str]:
    return [f"{run.settings.per_class} a class"]


def _report_cells(run: Run) -> list[str]:
    """The report is made anew when a file that it shows has changed."""
    sha = hashlib.sha256()
    for name in ("evaluate/metrics.json", "evaluate/fidelity.json", "explain/lime.json"):
        path = run.workdir / name
        sha.update(path.read_bytes() if path.exists() else b"absent")
    return [sha.hexdigest()]


# What the sweep does not vary.
_DRAWING = ("spacing", "threshold", "guidance", "seed")
# They add cells and redo nothing.
_CELL_FIELDS = ("classifier.backbones", "classifier.backbone", "classifier.arms")
# They change how a generator is trained, not what it becomes.
_HARMLESS = tuple(f"diffusion.train.{name}" for name in ("log_every", "accumulate", "save_minutes"))

STAGES: dict[str, Stage] = {
    "split": Stage(
        _split,
        fields=("data.", "split."),
        ignored=("data.dir", "data.cache_dir"),
    ),
    "features": Stage(
        diffusion_stages.run_features,
        fields=("classifier.",),
        ignored=_CELL_FIELDS,
        inputs=("split",),
        optional=True,
    ),
    "diffusion": Stage(
        diffusion_stages.run_diffusion,
        fields=("diffusion.",),
        ignored=_HARMLESS,
        inputs=("split",),
    ),
    "generate": Stage(
        diffusion_stages.run_generate,
        fields=("generate.",),
        ignored=("generate.per_class", "generate.block"),
        inputs=("diffusion",),
        cells=_images_a_class,
        adds=True,
    ),
    "sweep": Stage(
        diffusion_stages.run_sweep,
        fields=("sweep.", *(f"generate.{name}" for name in _DRAWING)),
        inputs=("features", "diffusion"),
        optional=True,
    ),
    "tune": Stage(
        tune_stage.run_tune,
        fields=("tune.", "diffusion.", "generate.", "classifier."),
        ignored=("tune.target", "tune.trials", "generate.block", *_HARMLESS, *_CELL_FIELDS),
        inputs=("split",),
        at_times=lambda run: ("generate",) if run.settings.tune.target == "classifier" else (),
        cells=lambda run: [f"{run.searched} {run.settings.tune.trials}"],
        adds=True,
        optional=True,
    ),
    "classify": Stage(
        classifier_stages.run_classify,
        fields=("classifier.",),
        ignored=_CELL_FIELDS,
        inputs=("split", "generate"),
        cells=_cell_names,
        adds=True,
        check=classifier_stages.check_classify,
    ),
    "evaluate": Stage(
        classifier_stages.run_evaluate,
        fields=(),
        inputs=("split", "classify"),
        # How near the synthetic images come is measured on all of them.
        cells=lambda run: [*_cell_names(run), *_images_a_class(run)],
    ),
    "explain": Stage(
        classifier_stages.run_explain,
        fields=("explain.",),
        ignored=("explain.batch_size", "explain.arm"),
        inputs=("evaluate",),
        cells=lambda run: ["{backbone}/{arm}/{n}-{ratio}-s{seed}/{fold}".format(**run.explained)],
    ),
    "report": Stage(_report, fields=(), inputs=("evaluate",), cells=_report_cells),
}


def upstream(run: Run, name: str) -> tuple[str, ...]:
    """Stages whose output one stage reads, under the run's settings."""
    return (*STAGES[name].inputs, *STAGES[name].at_times(run))


def with_upstream(run: Run, names: Iterable[str]) -> list[str]:
    """Those stages and all that they build on, in order."""
    found = set(names)
    for name in reversed(STAGES):
        if name in found:
            found.update(upstream(run, name))
    return [name for name in STAGES if name in found]


def is_finished(run: Run, name: str) -> bool:
    """Whether the stage's output is there, with all that is wanted now."""
    stage = STAGES[name]
    return workdir.is_finished(run.workdir, name, stage.cells(run), adds=stage.adds)


def mark(run: Run, name: str, status: str) -> None:
    """Writes the stage's marker: "started" or "finished"."""
    stage = STAGES[name]
    own, cells = fingerprint(run, name), stage.cells(run)
    workdir.mark(run.workdir, name, status, own, cells, adds=stage.adds)


def fingerprint(run: Run, name: str) -> workdir.Fingerprint:
    """What the stage's output depends on, under the run's settings."""
    stage = STAGES[name]
    fields = {
        field: value
        for field, value in run.settings.fields.items()
        if field.startswith(stage.fields or ("\0",)) and field not in stage.ignored
    }
    used = {upstream: fingerprint(run, upstream).digest for upstream in stage.inputs}
    if name == "split":
        used["data_hash"] = run.data.data_hash
        if is_table(run.settings.split.group_by) and run.planned_split.groups is not None:
            used["patients"] = hashlib.sha256(run.planned_split.groups.tobytes()).hexdigest()
    if "classifier.weights" in fields and run.weights_hash:
        used["weights"] = run.weights_hash
    return workdir.Fingerprint(fields, used)
