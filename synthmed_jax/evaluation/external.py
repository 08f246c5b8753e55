"""The report's section about another tree of real images, and what it shares with the run's own."""

from __future__ import annotations

from collections.abc import Mapping

from synthmed_jax.data import near_duplicates, twins
from synthmed_jax.data.external import NONE
from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet, concatenate
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellDifference, CellScores
from synthmed_jax.results.external import External, Shared
from synthmed_jax.results.floors import MAJORITY, Floors
from synthmed_jax.results.section import Row, Section, Table


def count_shared(external: ImageSet, parts: Parts, held_out: ImageSet, threshold: float) -> Shared:
    """Counts the external images that are known from the run's own data set.

    Args:
      external, parts, held_out: images of one size, as the generator gets them.
      threshold: correlation above which two images are near-duplicates.
    """

    def twins_in(part: ImageSet) -> int:
        return int(twins.are_among(external.images, part.images).sum())

    known = concatenate(parts.fit, parts.val)
    near = near_duplicates.are_near(external.images, known.images, threshold)
    return Shared(
        twins_in(parts.fit), twins_in(parts.val), twins_in(held_out), int(near.sum()), threshold
    )


def to_section(external: External, held_out: Mapping[Cell, CellScores]) -> Section:
    """Returns the report's section.

    Args:
      held_out: cell -> what it scores on the held-out images of the run's own data set.
    """
    return Section(
        title="External images",
        paragraphs=(_what(external), _shared(external)),
        tables=(
            _scores(external, held_out),
            _probabilities(external),
            _recalls(external),
            *([_differences(external)] if external.differences else []),
            _floors(external.floors),
        ),
    )


def _what(external: External) -> str:
    counts = ", ".join(
        f"{name} {external.counts[name]}"
        + (" (no folder)" if folder == NONE else "" if folder == name else f" (folder {folder})")
        for name, folder in external.classes.items()
    )
    left_out = ", ".join(f"{count} ({why})" for why, count in external.left_out.items())
    return (
        f"The same networks were tested on {external.num_images} real images of another folder "
        f"(config.evaluate.external_dir): {counts}. They were read with the run's settings, and no "
        f"choice was made on them. Files that are left out: {left_out or 'none'}."
        + (f" {external.note}" if external.note else "")
    )


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


def _scores(external: External, held_out: Mapping[Cell, CellScores]) -> Table:
    def row(cell: CellScores) -> Row:
        mean, interval = cell.mean, cell.accuracy_interval
        own = held_out.get(cell.cell)
        return Row(
            _name(cell),
            (
                _percent(mean.test_accuracy),
                f"{_percent(interval.low)} to {_percent(interval.high)}",
                _percent(mean.balanced_accuracy),
                "none" if cell.std is None else _percent(cell.std.balanced_accuracy),
                "none" if own is None else _percent(own.mean.balanced_accuracy),
                _percent(mean.precision),
                _percent(mean.recall),
                _percent(mean.f1),
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
        "For the interval each image is taken for independent of the others.",
    )


def _probabilities(external: External) -> Table:
    def row(cell: CellScores) -> Row:
        quality = cell.quality
        if quality is None:
            return Row(_name(cell), ("none",) * len(columns))
        tempered, ensemble = quality.tempered, quality.ensemble
        return Row(
            _name(cell),
            (
                "none" if quality.auroc is None else f"{quality.auroc:.3f}",
                f"{quality.brier:.3f}",
                _percent(quality.calibration.plain),
                _percent(quality.calibration.debiased),
                "none" if tempered is None else f"{tempered.loss:.3f}",
                "none" if tempered is None else _percent(tempered.calibration.plain),
                _share(quality.prior_corrected_accuracy),
                "none" if ensemble is None else _percent(ensemble.balanced_accuracy),
            ),
        )

    columns = (
        "AUROC",
        "Brier",
        "ECE",
        "ECE debiased",
        "loss at the temperature",
        "ECE at the temperature",
        "accuracy at fit's prior",
        "ensemble balanced",
    )
    return Table(
        columns,
        tuple(map(row, external.cells)),
        "Means over trainings on the external images. ECE: expected calibration error. The "
        "temperature was fitted on the run's own val images; fit's prior: the shares of the "
        "classes in fit.",
    )


def _recalls(external: External) -> Table:
    return Table(
        external.class_names,
        tuple(
            Row(_name(cell), tuple(_share(cell.quality.recalls[n]) for n in external.class_names))
            for cell in external.cells
            if cell.quality is not None
        ),
        "Recall of each class: share of its external images that are called so; mean over "
        "trainings.",
    )


def _differences(external: External) -> Table:
    def row(each: CellDifference) -> Row:
        found = each.difference
        return Row(
            f"{_name(each.first)}, less {_name(each.second)}",
            (
                f"{100 * found.estimate:+.1f}",
                f"{100 * found.low:+.1f} to {100 * found.high:+.1f}",
                f"{each.p:.4f}",
                f"{100 * found.detectable:.1f}",
            ),
        )

    return Table(
        ("difference", "95 % interval", "p", "would have been found"),
        tuple(map(row, external.differences)),
        "Paired differences of balanced accuracy on the external images, percentage points, each "
        "image taken for independent of the others; p is not adjusted. They are exploratory: what "
        "a run declares are differences on its own held-out images.",
    )


def _floors(floors: Floors) -> Table:
    arms = tuple(dict.fromkeys(floor.arm for floor in floors.floors))
    by = {(floor.features, floor.arm): floor for floor in floors.floors}
    return Table(
        tuple(f"trained on {arm}: balanced accuracy" for arm in arms),
        tuple(
            Row(_floor(name), tuple(_percent(by[name, arm].balanced_accuracy) for arm in arms))
            for name in dict.fromkeys(floor.features for floor in floors.floors)
        ),
        "What simple means score on the external images, as in the table of floors on the held-out "
        "images: forests, and the most frequent class of the training set.",
    )


def _floor(features: str) -> str:
    if features == MAJORITY:
        return "most frequent class"
    return f"forest on {features.replace('_', ' ')}"


def _name(cell: Cell) -> str:
    amount = "all fit images" if cell.n is None else f"{cell.texts['n']} images per class"
    return f"{cell.backbone}, {cell.arm}, {amount}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _share(share: float | None) -> str:
    return "none" if share is None else _percent(share)
