"""The stage that writes one page of everything."""

from __future__ import annotations

from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256_of_all
from synthmed_jax.report import html
from synthmed_jax.results.section import section_files
from synthmed_jax.stages import base, classify, evaluate, explain
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    if not base.is_finished(run, evaluate.STAGE):
        raise UserError(
            "the last evaluation is of other networks or numbers of images than this run asks for: "
            "run evaluate and explain too"
        )
    inputs = run.inputs
    html.write_report(run.workdir.root, classify.cells(run), inputs.parts.fit, inputs.synthetic)


def _shown(run: Run) -> tuple[str, ...]:
    """The report is made anew when a file that it shows has changed."""
    workdir = run.workdir
    shown = (
        *(workdir.evaluation, workdir.floors, workdir.fidelity, workdir.lime),
        workdir.audit_memorisation,
    )
    return (sha256_of_all((*shown, *section_files(workdir.root))),)


def _explained(run: Run) -> tuple[Stage, ...]:
    """The explanations, where there are some of these settings: the report shows them."""
    marker = base.read_marker(run, explain.STAGE)
    if marker is None or marker.status != "finished":
        return ()
    others = base.difference(marker, base.fingerprint(run, explain.STAGE))
    return (explain.STAGE,) if others is None else ()


STAGE = Stage("report", _run, inputs=(evaluate.STAGE,), inputs_if=_explained, units=_shown)
