"""What a run can answer of the reporting checklists CLAIM (2024) and TRIPOD+AI (2024).

Items are named by their subject, in our words; who submits a study fills in the checklist itself.
"""

from __future__ import annotations

import dataclasses

from synthmed_jax.data.settings import NEAR_DUPLICATES
from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import percent, short_name
from synthmed_jax.report.wording import UNITS

CLAIM, TRIPOD = "CLAIM", "TRIPOD+AI"
BOTH = f"{CLAIM}, {TRIPOD}"


@dataclasses.dataclass(frozen=True)
class Item:
    """A subject of the checklists.

    Attributes:
      subject: what is asked.
      checklists: which ask for it.
      answer: what the run knows; "": only the authors know.
    """

    subject: str
    checklists: str
    answer: str


def items(contents: Contents) -> list[Item]:
    """Returns the subjects in the order in which a paper has them."""
    return [
        Item("purpose, intended users and setting", BOTH, ""),
        Item("source and dates of the real data", BOTH, ""),
        Item("who and what was included and excluded", BOTH, _excluded(contents)),
        Item("de-identification", CLAIM, ""),
        Item("image acquisition", CLAIM, ""),
        Item("preparation of the images", BOTH, _preparation(contents)),
        Item("reference standard, and who labelled", BOTH, ""),
        Item("missing data", BOTH, ""),
        Item("how data were divided", BOTH, _division(contents)),
        Item("level at which the parts are disjoint", CLAIM, _disjoint(contents)),
        Item("sample size, and why", BOTH, _sizes(contents)),
        Item("model: structure, inputs, outputs", BOTH, _model(contents)),
        Item("first weights", CLAIM, _first_weights(contents)),
        Item("training, and choice of the final model", BOTH, _training(contents)),
        Item("software", BOTH, _software(contents)),
        Item("measures of performance", BOTH, _measures(contents)),
        Item("uncertainty and tests", BOTH, _uncertainty(contents)),
        Item("explanations", CLAIM, _explanations(contents)),
        Item("performance on external data", BOTH, _external(contents)),
        Item("fairness: performance in subgroups of patients", TRIPOD, ""),
        Item("ethics approval, registration, protocol", BOTH, ""),
        Item("funding and conflicts of interest", BOTH, ""),
        Item("availability of data, code and model", BOTH, ""),
    ]


def _excluded(contents: Contents) -> str:
    count = len(contents.split.unreadable)
    return f"of the files, {count} could not be read and were left out; of patients: to fill in"


def _preparation(contents: Contents) -> str:
    size, channels = contents.setting("data.image_size", 0), contents.setting("data.channels", 0)
    square = contents.setting("data.square", "")
    colours = "grey" if channels == 1 else "colour"
    return f"{colours}, made square ({square}), resized to {size} pixels per side, 8 bits"


def _division(contents: Contents) -> str:
    totals = contents.totals
    return (
        f"{totals.fit} images for training (fit), {totals.val} for choices (val), {totals.test} "
        f"held out, drawn within classes with seed {contents.split.seed}"
    )


def _disjoint(contents: Contents) -> str:
    if contents.split.grouped_by == NEAR_DUPLICATES:
        return "image, but images that are alike lie in one part; patients are not known"
    if not contents.split.is_grouped:
        return "image: images of one patient may lie in several parts"
    return "group: images that belong together (config.split.group_by) lie in one part"


def _sizes(contents: Contents) -> str:
    held_out = {name: count.test for name, count in contents.counts.items()}
    counted = ", ".join(f"{name} {count}" for name, count in held_out.items())
    return f"held out by class: {counted}; why so many: to fill in"


def _model(contents: Contents) -> str:
    backbones = ", ".join(contents.setting("classifier.backbones", []))
    return (
        f"generator: U-Net diffusion model, {contents.setting('diffusion.num_steps', 0)} steps, "
        f"predicts {contents.setting('diffusion.prediction', '')}; classifiers: {backbones}, which "
        f"see {contents.setting('classifier.image_size', 0)} pixels per side and give a "
        "probability per class"
    )


def _first_weights(contents: Contents) -> str:
    weights = str(contents.setting("classifier.weights", ""))
    known = weights if weights in ("random", "imagenet") else "a file of the authors' own"
    return f"generator: random; classifiers: {known}"


def _training(contents: Contents) -> str:
    steps, batch = (contents.setting(f"diffusion.train.{n}", 0) for n in ("steps", "batch_size"))
    chosen = contents.setting("classifier.selection", "")
    weights = "weights chosen by the loss on val" if contents.totals.val else "no val to choose by"
    return (
        f"generator: at most {steps} steps of {batch} images, {weights}; "
        f"classifiers: the epoch of the lowest loss on {chosen}"
    )


def _software(contents: Contents) -> str:
    info = contents.info
    if info is None:
        return ""
    return f"synthmed_jax (commit {info.commit}), Python {info.python}; run.json has all versions"


def _measures(contents: Contents) -> str:
    if contents.evaluation is None:
        return ""
    return (
        "accuracy, balanced accuracy, precision, recall, F1, AUROC, calibration and confusion "
        f"matrices on {contents.evaluation.num_test} held-out real images (report/index.html)"
    )


def _uncertainty(contents: Contents) -> str:
    if contents.evaluation is None or not contents.evaluation.declared:
        return ""
    unit = UNITS[contents.evaluation.declared[0].unit]
    return f"paired differences between arms with 95 % intervals over {unit}; p adjusted by Holm"


def _explanations(contents: Contents) -> str:
    if contents.lime is None:
        return ""
    most = "at most " if contents.lime.precision else ""
    return (
        f"LIME, {most}{contents.lime.num_samples} perturbed images each, of real and of synthetic "
        "images"
    )


def _external(contents: Contents) -> str:
    external = contents.external
    if external is None:
        return ""
    scores = "; ".join(
        f"{short_name(cell)} {percent(cell.mean.test_accuracy)}" for cell in external.cells
    )
    return (
        f"accuracy on {external.num_images} real images of another folder, means over trainings: "
        f"{scores}; the source of these images: to fill in"
    )
