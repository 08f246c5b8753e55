"""The paper's Table 2 beside the study's networks."""

from __future__ import annotations

from benchmarks.study.runs import Design
from configs import base
from synthmed_jax import best_cells
from synthmed_jax.report.formats import DASH, PLUS_MINUS
from synthmed_jax.report.paper_table import NETWORKS, PRINTED, SOURCE
from synthmed_jax.results.section import Row, Table


def has_networks(design: Design) -> bool:
    """Whether a design is about other networks than the presets' one."""
    found = {cell.backbone for cell in design.runs[0].replicate.evaluation.cells}
    return found != set(base.get_config("cpu").classifier.backbones)


def pixels(design: Design) -> int:
    """The side of the images that the networks see, which AlexNet needs larger."""
    return int(str(design.field["classifier.image_size"]))


def networks_table(design: Design) -> Table:
    """Accuracy on real test images of every network after synthetic images alone."""
    evaluation = design.runs[0].replicate.evaluation
    printed = dict(zip(NETWORKS, PRINTED[evaluation.dataset].accuracies, strict=True))
    rows = []
    for name in NETWORKS:
        cell = best_cells.of_arm(
            [each for each in evaluation.cells if each.backbone == name], best_cells.SYNTHETIC
        )
        if cell is None:
            continue
        spread = "" if cell.std is None else f" {PLUS_MINUS} {100 * cell.std.test_accuracy:.1f}"
        low, high = cell.accuracy_interval.low, cell.accuracy_interval.high
        rows.append(
            Row(
                name,
                (
                    f"{100 * cell.mean.test_accuracy:.1f}{spread}",
                    ", ".join(f"{100 * each.test_accuracy:.1f}" for each in cell.folds),
                    f"{100 * low:.1f} to {100 * high:.1f}",
                    f"{cell.mean.f1:.3f}",
                    f"{printed[name]:.1f}" if name in printed else DASH,
                ),
            )
        )
    return Table(
        ("accuracy", "trainings", "95 % interval", "macro F1", "the paper"),
        tuple(rows),
        f"Accuracy on real test images, % (n = {evaluation.num_test}), after training on synthetic "
        f"images alone, seed {design.runs[0].replicate.seed}. The last column is as printed in "
        f"{SOURCE}: its networks were pre-trained, and saw images of another generator, of a size "
        "that is not said.",
    )
