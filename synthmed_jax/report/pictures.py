"""The report's pictures, each with its caption and its text for readers who cannot see it."""

from __future__ import annotations

import base64
import dataclasses
import pathlib

import numpy as np

from synthmed_jax.arms import OF_REAL_IMAGES
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import Damaged
from synthmed_jax.legible import ChartNames, chart_names
from synthmed_jax.report import charts, curves, explanations, figures, findings
from synthmed_jax.report.drawing import to_png
from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import n_is, percent
from synthmed_jax.report.pairs import CLOSEST_PAIRS, closest_pairs, make_pairs, typical_pairs
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.explanations import LimeSummary
from synthmed_jax.results.fidelity import Fidelity

SAMPLES_PER_CLASS = 5
PAIRS_PER_CLASS = 4
CURVES_SHOWN = 12  # Cells; more make a picture that nobody reads.


@dataclasses.dataclass(frozen=True)
class Picture:
    """One picture of the report.

    Attributes:
      file: its name in report/.
      png: its bytes.
      alt: what is seen, in words.
      caption: what it shows, with its n.
    """

    file: str
    png: bytes
    alt: str
    caption: str

    @property
    def data_uri(self) -> str:
        """The picture inside an address, so that a page needs no other file."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def draw(contents: Contents, fit: ImageSet, synthetic: ImageSet | None) -> dict[str, Picture]:
    """Returns the pictures whose data are there, by name; LIME's own are read by `read_lime`."""
    pictures: dict[str, Picture] = {}
    names = chart_names(contents.split.class_names)
    with names.fonts():
        if synthetic is not None:
            pictures["samples"] = _samples(fit, synthetic, names)
            if contents.fidelity is not None:
                pictures |= _pairs(contents.fidelity, fit, synthetic, names)
        if contents.generators:
            pictures["diffusion_curves"] = _diffusion(contents, names)
        if contents.folds:
            pictures["classifier_curves"] = _classifiers(contents)
        if contents.evaluation is not None:
            pictures["accuracy"] = _accuracy(contents.evaluation, contents.chance)
            pictures["confusion"] = _confusion(contents.evaluation, names)
            if findings.amounts_curve(contents.evaluation):
                pictures["amounts"] = _amounts(contents.evaluation, contents.chance)
    return pictures


def _renamed(images: ImageSet, names: ChartNames) -> ImageSet:
    """Returns the images with their classes called as charts call them."""
    return dataclasses.replace(images, class_names=names.labels)


def _samples(fit: ImageSet, synthetic: ImageSet, names: ChartNames) -> Picture:
    classes = ", ".join(fit.class_names)
    grid = figures.sample_grid(_renamed(fit, names), _renamed(synthetic, names), SAMPLES_PER_CLASS)
    return Picture(
        "samples.png",
        to_png(grid),
        f"Rows of real and of synthetic images of the classes {classes}.",
        f"Each row is a class: {SAMPLES_PER_CLASS} of the real images that the generator learned "
        f"from ({n_is(len(fit))}) on the left, {SAMPLES_PER_CLASS} synthetic ones ("
        f"{n_is(len(synthetic))}) on the right, taken at even steps through each set."
        f"{names.key_after_text}",
    )


def _pairs(
    fidelity: Fidelity, fit: ImageSet, synthetic: ImageSet, names: ChartNames
) -> dict[str, Picture]:
    pairs = make_pairs(fidelity, _renamed(fit, names), _renamed(synthetic, names))
    closest = closest_pairs(pairs)
    typical = typical_pairs(pairs, names.labels, PAIRS_PER_CLASS)
    alt = "Pairs of a synthetic image above and a real one below, with their distance."
    return {
        "closest": Picture(
            "closest.png",
            to_png(figures.pairs_grid(closest, CLOSEST_PAIRS)),
            alt,
            f"The {len(closest)} closest of {n_is(fidelity.num_synthetic)} pairs: where copies "
            "would be. Above the synthetic image, below its nearest fit image and their distance "
            f"({fidelity.distance}); a class in brackets is that of a real image of another class."
            f"{names.key_after_text}",
        ),
        "pairs": Picture(
            "pairs.png",
            to_png(figures.pairs_grid(typical, 2 * PAIRS_PER_CLASS)),
            alt,
            f"{PAIRS_PER_CLASS} pairs per class, from its nearest to its farthest, at even steps; "
            f"the same arrangement.{names.key_after_text}",
        ),
    }


def _diffusion(contents: Contents, names: ChartNames) -> Picture:
    generators, totals = contents.generators, contents.totals
    longest = max(generator.records[-1].step for generator in generators.values())
    # One model of all classes has the name "".
    trainings = {name and names.shown[name]: each.records for name, each in generators.items()}
    key = "" if set(generators) == {""} else names.key_after_text
    return Picture(
        "diffusion_curves.png",
        to_png(curves.diffusion_curves(trainings)),
        "Two curves falling with the step: training and validation loss.",
        f"Loss of the diffusion model on {n_is(totals.fit)} fit and {n_is(totals.val)} val "
        f"images, {longest} steps.{key}",
    )


def _classifiers(contents: Contents) -> Picture:
    shown = dict(list(contents.folds.items())[:CURVES_SHOWN])
    rest = len(contents.folds) - len(shown)
    more = f" The curves of {rest} more cells are in classify/." if rest else ""
    return Picture(
        "classifier_curves.png",
        to_png(curves.classifier_curves(shown)),
        "Curves of training and validation loss and accuracy against the epoch.",
        "Training of the classifiers, one line per training: dashed on training images, solid on "
        f"validation images. The titles name network, arm and images-ratio-seed.{more}",
    )


def _accuracy(evaluation: Evaluation, chance: float) -> Picture:
    interval = evaluation.cells[0].accuracy_interval
    return Picture(
        "accuracy.png",
        to_png(charts.accuracy_intervals(evaluation.cells, chance)),
        "Accuracy of every network and arm on the real test images, with its interval.",
        f"Accuracy on {n_is(evaluation.num_test)} real test images: the mean over trainings, its "
        f"{percent(interval.level, 0)} interval ({interval.method}) as a line, each training as a "
        "tick; dotted, guessing.",
    )


def _amounts(evaluation: Evaluation, chance: float) -> Picture:
    cells = findings.amounts_curve(evaluation)
    beside = {
        cell.arm: cell.mean.balanced_accuracy
        for cell in evaluation.cells
        if cell.arm in OF_REAL_IMAGES and cell.backbone == cells[0].backbone
    }
    return Picture(
        "amounts.png",
        to_png(charts.by_amount(cells, beside, chance)),
        "Balanced accuracy against the number of synthetic images per class.",
        f"Balanced accuracy of {cells[0].backbone} on {n_is(evaluation.num_test)} real test images "
        "against the number of synthetic images per class it was trained on, each time in the same "
        "number of steps: the mean over trainings, each training as a tick. Lines: the arms of "
        "real images. The smaller sets are the first images of the whole one.",
    )


def _confusion(evaluation: Evaluation, names: ChartNames) -> Picture:
    matrices, counts = {}, []
    for arm, cell in findings.best_of_each_arm(evaluation).items():
        matrix = findings.confusion_sum(cell)
        matrices[f"{arm}: {cell.backbone}"] = matrix
        right = int(np.trace(matrix))
        counts.append(f"{arm}, {right} of {matrix.sum()} right in {len(cell.folds)} trainings")
    listed = "; ".join(counts)
    return Picture(
        "confusion.png",
        to_png(charts.confusion_matrices(matrices, names.labels)),
        f"Confusion matrices: {listed}.",
        "Confusion matrix of each arm's best network by validation, on the real test images "
        f"({n_is(evaluation.num_test)}), summed over the trainings; shade and percentage are "
        f"shares of the true class ({listed}).{names.key_after_text}",
    )


def read_lime(workdir: pathlib.Path, lime: LimeSummary) -> list[Picture]:
    """Returns LIME's pages of pictures, in the order of explain/lime.json.

    Raises:
      Damaged: a picture that lime.json names is missing.
    """
    pictures = []
    for page in lime.pages:
        # By its last part alone: no name in the file leads out of the folder.
        file = pathlib.PurePosixPath(page.picture).name
        path = workdir / "explain" / file
        if not path.exists():
            raise Damaged(path, "is gone, and lime.json names it")
        alt = f"Images of {page.class_name} with the regions that speak for the prediction."
        pictures.append(Picture(f"lime_{file}", path.read_bytes(), alt, explanations.caption(page)))
    return pictures
