"""What networks score after training on fewer and on more synthetic images."""

from __future__ import annotations

from benchmarks.study.runs import Design
from benchmarks.study.tables import with_means
from synthmed_jax.report import charts, findings
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.section import Table


def has_amounts(design: Design) -> bool:
    """Whether a design compares numbers of synthetic images."""
    return bool(findings.amounts_curve(design.runs[0].replicate.evaluation))


def amounts_table(design: Design) -> Table:
    """Balanced accuracy on real test images by the number of synthetic images per class."""
    of_runs = [
        {charts.images_per_class(cell): cell for cell in findings.amounts_curve(evaluation)}
        for evaluation in (run.replicate.evaluation for run in design.runs)
    ]
    rows = [
        (f"{amount:g} per class", [_share(of_run.get(amount)) for of_run in of_runs])
        for amount in sorted(of_runs[0])
    ]
    cell = next(iter(of_runs[0].values()))
    return with_means(
        design,
        rows,
        f"Balanced accuracy on real test images, %, after training {cell.backbone} on synthetic "
        "images alone, each time for as many optimiser steps. The smaller sets are the first "
        "images of the largest.",
    )


def _share(cell: CellScores | None) -> float | None:
    return None if cell is None else cell.mean.balanced_accuracy
