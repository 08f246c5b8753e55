"""The results on another tree of real images, as a section of the report."""

from __future__ import annotations

from collections.abc import Mapping

from synthmed_jax.data.external import NONE
from synthmed_jax.report.floor_tables import floor_table
from synthmed_jax.report.formats import DASH, percent, short_name
from synthmed_jax.report.quality_tables import difference_tables, score_tables
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.external import External
from synthmed_jax.results.section import Row, Section, Table

IMAGES = "external images"


def to_section(external: External, held_out: Mapping[Cell, CellScores]) -> Section:
    """Returns the section.

    Args:
      held_out: cell -> what it scores on the held-out images of the run's own data set.
    """
    return Section(
        title="External images",
        paragraphs=(_what(external), _shared(external), _units(external)),
        tables=(
            _beside_held_out(external, held_out),
            *difference_tables(external.differences, IMAGES),
            *score_tables(external.cells, external.class_names, IMAGES),
            floor_table(external.floors, IMAGES),
        ),
    )


def _what(external: External) -> str:
    counts = ", ".join(
        f"{name} {external.counts[name]}{_folder(name, folder)}"
        for name, folder in external.classes.items()
    )
    left_out = ", ".join(f"{count} ({why})" for why, count in external.left_out.items())
    return (
        f"The same networks were tested on {external.num_images} real images of another folder "
        f"(config.evaluate.external_dir): {counts}. They were read with the run's settings, and no "
        f"choice was made on them: what the run declares are differences on its own held-out "
        f"images. Files that are left out: {left_out or 'none'}."
        + (f" {external.note}" if external.note else "")
    )


def _folder(name: str, folder: str) -> str:
    if folder == NONE:
        return " (no folder)"
    return "" if folder == name else f" (folder {folder})"


def _shared(external: External) -> str:
    shared = external.shared
    sentence = (
        f"External images with the pixels of a fit image: {shared.fit}; of a val image: "
        f"{shared.val}; of a held-out image: {shared.held_out}; with a twin or near-duplicate in "
        f"fit or val (correlation above {shared.threshold:g}): {shared.near}."
    )
    if shared.fit + shared.val + shared.held_out + shared.near:
        return f"{sentence} What is true of these images need not be true of images that are new."
    return sentence


def _units(external: External) -> str:
    if external.num_groups is not None:
        return (
            f"Intervals of differences are over {external.num_groups} groups of these images, by "
            f"{external.grouped_by}."
        )
    why = f": {external.by_image}" if external.by_image else ""
    return (
        f"Intervals of differences take each of these images for independent of the others{why}. "
        "Where several images are of one patient, the intervals are too narrow."
    )


def _beside_held_out(external: External, held_out: Mapping[Cell, CellScores]) -> Table:
    def row(cell: CellScores) -> Row:
        mean, interval = cell.mean, cell.accuracy_interval
        own = held_out.get(cell.cell)
        return Row(
            short_name(cell),
            (
                percent(mean.test_accuracy),
                f"{percent(interval.low)} to {percent(interval.high)}",
                percent(mean.balanced_accuracy),
                DASH if cell.std is None else percent(cell.std.balanced_accuracy),
                DASH if own is None else percent(own.mean.balanced_accuracy),
                percent(mean.precision),
                percent(mean.recall),
                percent(mean.f1),
                f"{mean.test_loss:.3f}",
            ),
        )

    return Table(
        (
            "accuracy",
            "95 % interval",
            "balanced accuracy",
            "its standard deviation",
            "balanced accuracy, held-out images",
            "precision",
            "recall",
            "F1",
            "loss",
        ),
        tuple(map(row, external.cells)),
        f"Means over trainings on the {external.num_images} external images, and beside them the "
        "balanced accuracy on the held-out images of the run's own set. Balanced accuracy is over "
        "the classes that have external images; precision, recall and F1 are macro averages over "
        "all classes, in which a class without images counts as 0. Loss is cross-entropy in nats. "
        "For the interval of accuracy each image is taken for independent of the others.",
    )
