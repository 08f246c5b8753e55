"""The stage that writes one page of everything."""

from __future__ import annotations

from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256_of_all
from synthmed_jax.report import html
from synthmed_jax.results.section import section_files
from synthmed_jax.stages import audit, base, classify, copy_filter, evaluate, explain
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    if not base.is_finished(run, evaluate.STAGE):
        raise UserError(
            "the last evaluation is of other networks or numbers of images than this run asks for: "
            "run evaluate and explain too"
        )
    inputs, workdir = run.inputs, run.workdir
    cells, former = classify.cells(run), _former(run)
    folders = tuple(stage.folder or stage.name for stage in former)
    html.write_report(workdir.root, cells, inputs.parts.fit, inputs.synthetic, folders)
    for stage in former:
        print(
            f"report: the stage {stage.name} is of other images or settings, and is not shown: "
            "run it"
        )


def _former(run: Run) -> tuple[Stage, ...]:
    """Stages that have left something which is not of the images and settings of this run."""
    return tuple(
        stage
        for stage in (audit.STAGE, explain.STAGE, copy_filter.STAGE)
        if base.read_marker(run, stage) is not None and not base.is_of_this_set(run, stage)
    )


def _shown(run: Run) -> tuple[str, ...]:
    """The report is made anew when a file that it shows has changed."""
    workdir = run.workdir
    shown = (
        *(workdir.evaluation, workdir.floors, workdir.fidelity, workdir.lime),
        workdir.audit_memorisation,
    )
    return (
        sha256_of_all((*shown, *section_files(workdir.root))),
        *(stage.name for stage in _former(run)),
    )


def _explained(run: Run) -> tuple[Stage, ...]:
    """The explanations, where there are some of these settings: the report shows them."""
    return (explain.STAGE,) if base.holds(run, explain.STAGE) else ()


STAGE = Stage("report", _run, inputs=(evaluate.STAGE,), inputs_if=_explained, units=_shown)
