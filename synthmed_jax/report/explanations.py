"""The sentences of the report's section on explanations, from explain/lime.json alone."""

from __future__ import annotations

from synthmed_jax.report.conclusions import Shortcuts
from synthmed_jax.report.formats import n_is
from synthmed_jax.results.explanations import (
    Alarm,
    EngineAgreement,
    LimeSummary,
    NearestAgreement,
    Page,
)
from synthmed_jax.statistics.agreement import HalvesAgreement
from synthmed_jax.statistics.intervals import Estimate

# Area of an alarm -> what is said of its share of the importance.
EDGES = {
    "border": "the rim of the image weighs {share} times its area",
    "corners": "the corners of the image weigh {share} times their area",
}
SAMPLES_PER_REGION = 4  # from which on the errors of weights are known well, by any sampling
PAGES = {
    "roles": (
        "Images of {name}, real test images on the left and synthetic ones on the right: the "
        "surest right and wrong predictions and the least certain one. Each as it is, with the "
        "weights of its regions, and with the regions that speak for the prediction."
    ),
    "nearest": (
        "Synthetic images of {name} and, beside each, the nearest of the real images that the "
        "generator learned from; both are explained for the class that the network sees in the "
        "synthetic one."
    ),
}


def intro(lime: LimeSummary) -> str:
    """Returns what was explained, and how."""
    control = "" if lime.control == "none" else f", {lime.control} control variate"
    return (
        f"Which regions made {lime.model.backbone} (arm {lime.model.arm}, training "
        f"{lime.model.fold}) answer as it did: LIME (engine {lime.engine}, {lime.segmentation} "
        f"regions, {lime.num_samples} perturbed copies of each image, sampling {lime.sampling}"
        f"{control}, seed {lime.seed}). Numbers are of at most {lime.images_per_class} images per "
        "class and kind, drawn at random; the pictures are of chosen ones. "
        "R\N{SUPERSCRIPT TWO} is the share of the variation in the network's answers that an "
        "explanation accounts for: near 0 it explains nothing. On the pictures + and "
        "\N{MINUS SIGN} mark regions that speak strongly for and against the predicted class; "
        "outlined ones speak for it."
        f"{_unsure(lime)}"
    )


def _unsure(lime: LimeSummary) -> str:
    """Says of how many images it is not known which regions count, and what would tell; or ""."""
    if not lime.num_unsure:
        return ""
    regions = max(len(image.weights) for image in lime.images)
    return (
        f" Of {lime.num_unsure} of the {len(lime.images)} explained images it is not known how "
        f"sure the weights are: {lime.num_samples} perturbed copies are too few for their regions. "
        "Nothing is said of where their importance lies, neither in numbers nor by a shortcut "
        "alarm, and their pictures show weights that may be chance. "
        f"config.explain.num_samples={SAMPLES_PER_REGION * regions} would tell."
    )


def alarms(shortcuts: Shortcuts) -> list[str]:
    """Returns a warning for every class whose explanations keep to the edge of the image."""
    return [_alarm(kind, alarm) for kind, of_kind in shortcuts.alarms.items() for alarm in of_kind]


def _alarm(kind: str, alarm: Alarm) -> str:
    weighs = EDGES[alarm.area].format(share=_interval(alarm.share))
    return (
        f"Shortcut alarm: on {kind} images of {alarm.class_name} {weighs} "
        f"({n_is(alarm.share.n)}). Scale bars, text or frames may give the class away."
    )


def comparison(lime: LimeSummary) -> list[str]:
    """Returns whether the network looks at the same places in real and synthetic images."""
    places = lime.comparison.places.items()
    sentences = [_places(name, maps) for name, maps in places if maps is not None]
    return [*sentences, _nearest(lime.nearest)] if lime.nearest.nearest.n else sentences


def _places(class_name: str, maps: HalvesAgreement) -> str:
    return (
        f"{class_name}: the mean importance maps of real and synthetic images correlate with "
        f"{maps.all:.2f} (ranks); halves of {n_is(maps.half)} images, real with synthetic "
        f"{maps.mixed_halves:.2f}, real with real {maps.real_halves:.2f}."
    )


def _nearest(agreement: NearestAgreement) -> str:
    return (
        "Maps of synthetic images correlate with that of their nearest real image by "
        f"{_interval(agreement.nearest)}, with those of other such real images of the class by "
        f"{_interval(agreement.others_of_the_class)} ({n_is(agreement.nearest.n)})."
    )


def engines(agreement: EngineAgreement | None) -> str | None:
    """Returns how far our engine and the package agree; None where that was not asked."""
    if agreement is None:
        return None
    return (
        "The package lime, given the same regions and masks, finds the same weights of "
        f"{n_is(agreement.num_images)} images to {agreement.largest_difference:.1g} (the largest "
        f"weight is {agreement.largest_weight:.2g})."
    )


def caption(page: Page) -> str:
    """Returns what a page of pictures shows."""
    text = PAGES[page.shows].format(name=page.class_name)
    return f"{text} {page.key}" if page.key else text


def _interval(estimate: Estimate) -> str:
    mean = f"{estimate.mean:.2f}"
    if estimate.low is None:
        return mean
    return f"{mean} (95 % {estimate.low:.2f} to {estimate.high:.2f})"
