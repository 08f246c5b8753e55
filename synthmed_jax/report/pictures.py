"""The report's pictures, each with its caption and its text for readers who cannot see it."""

import base64
import dataclasses
import pathlib
from typing import Any

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.report import charts, explanations, figures, findings, wording
from synthmed_jax.report.files import Run
from synthmed_jax.report.wording import n_is

SAMPLES_A_CLASS = 5
PAIRS_A_CLASS = 4
CLOSEST_PAIRS = 8
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


def draw(run: Run, fit: ImageSet, synthetic: ImageSet | None) -> dict[str, Picture]:
    """Returns the pictures whose data are there, by name; LIME's own are read by `read_lime`."""
    drawn: dict[str, Picture] = {}
    if synthetic is not None:
        drawn |= _of_samples(fit, synthetic)
        if run.fidelity is not None:
            drawn |= _of_pairs(run.fidelity, fit, synthetic)
    if run.diffusion:
        longest = max(g.records[-1]["step"] for g in run.diffusion.values())
        drawn["diffusion_curves"] = Picture(
            "diffusion_curves.png",
            charts.diffusion_curves({k: g.records for k, g in run.diffusion.items()}),
            "Two curves falling with the step: training and validation loss.",
            f"Loss of the diffusion model on {n_is(run.total('fit'))} fit and "
            f"{n_is(run.total('val'))} val images, {longest} steps.",
        )
    if run.folds:
        drawn["classifier_curves"] = _of_training(run)
    if run.metrics is not None:
        drawn |= _of_results(run)
    return drawn


def _of_samples(fit: ImageSet, synthetic: ImageSet) -> dict[str, Picture]:
    classes = ", ".join(fit.class_names)
    return {
        "samples": Picture(
            "samples.png",
            figures.sample_grid(fit, synthetic, SAMPLES_A_CLASS),
            f"Rows of real and of synthetic images of the classes {classes}.",
            f"Each row is a class: {SAMPLES_A_CLASS} of the real images that the generator learned "
            f"from ({n_is(len(fit))}) on the left, {SAMPLES_A_CLASS} synthetic ones ("
            f"{n_is(len(synthetic))}) on the right, taken at even steps through each set.",
        )
    }


def _of_pairs(fidelity: dict[str, Any], fit: ImageSet, synthetic: ImageSet) -> dict[str, Picture]:
    pairs = findings.pairs(fidelity, fit, synthetic)
    n, name = fidelity["num_synthetic"], fidelity["distance"]
    closest = findings.closest_pairs(pairs, CLOSEST_PAIRS)
    typical = findings.typical_pairs(pairs, fit.class_names, PAIRS_A_CLASS)
    alt = "Pairs of a synthetic image above and a real one below, with their distance."
    legend = (
        "Above the synthetic image, below its nearest fit image and their distance "
        f"({name}); a class in brackets is that of a real image of another class."
    )
    return {
        "closest": Picture(
            "closest.png",
            figures.pairs_grid(closest, CLOSEST_PAIRS),
            alt,
            f"The {len(closest)} closest of {n_is(n)} pairs: where copies would be. {legend}",
        ),
        "pairs": Picture(
            "pairs.png",
            figures.pairs_grid(typical, 2 * PAIRS_A_CLASS),
            alt,
            f"{PAIRS_A_CLASS} pairs a class, from its nearest to its farthest, at even steps; "
            "the same arrangement.",
        ),
    }


def _of_training(run: Run) -> Picture:
    folds = run.folds or {}
    shown = dict(list(folds.items())[:CURVES_SHOWN])
    rest = len(folds) - len(shown)
    more = f" The curves of {rest} more cells are in classify/." if rest else ""
    return Picture(
        "classifier_curves.png",
        charts.classifier_curves(shown),
        "Curves of training and validation loss and accuracy against the epoch.",
        "Training of the classifiers, a line a fold: dashed on training images, solid on "
        f"validation images. The titles name network, arm and images-ratio-seed.{more}",
    )


def _of_results(run: Run) -> dict[str, Picture]:
    assert run.metrics is not None
    cells, n = run.metrics["cells"], run.metrics["num_test"]
    chosen = findings.chosen_cells(run.metrics)
    matrices, listed = {}, []
    for arm, cell in chosen.items():
        matrix = findings.confusion_sum(cell)
        matrices[f"{arm}: {cell['backbone']}"] = matrix
        right = int(np.trace(matrix))
        listed.append(f"{arm}, {right} of {matrix.sum()} right in {len(cell['folds'])} folds")
    level = wording.percent(cells[0]["accuracy_interval"]["level"], 0)
    method = cells[0]["accuracy_interval"]["method"]
    return {
        "accuracy": Picture(
            "accuracy.png",
            charts.accuracy_intervals(cells, 1 / len(run.class_names)),
            "Accuracy of every network and arm on the real test images, with its interval.",
            f"Accuracy on {n_is(n)} real test images: the mean over folds, its {level} "
            f"interval ({method}) as a line, each fold as a tick; dotted, guessing.",
        ),
        "confusion": Picture(
            "confusion.png",
            charts.confusion_matrices(matrices, run.metrics["class_names"]),
            "Confusion matrices: " + "; ".join(listed) + ".",
            "Confusion matrix of each arm's best network by validation, on the real test images "
            f"({n_is(n)}), summed over the folds; shade and percentage are shares of the "
            f"true class ({'; '.join(listed)}).",
        ),
    }


def read_lime(workdir: pathlib.Path, lime: dict[str, Any]) -> list[Picture]:
    """Returns LIME's pages of pictures, in the order of explain/lime.json.

    Raises:
      UserError: a picture that lime.json names is missing.
    """
    found = []
    for page in lime["pages"]:
        # By its last part alone: no name in the file leads out of the folder.
        file = pathlib.PurePosixPath(page["picture"]).name
        path = workdir / "explain" / file
        if not path.exists():
            raise UserError(
                f"{path} is named by lime.json but missing: delete stages/explain.json in the "
                "workdir, and run again."
            )
        alt = f"Images of {page['class']} with the regions that speak for the prediction."
        found.append(Picture(f"lime_{file}", path.read_bytes(), alt, explanations.caption(page)))
    return found
