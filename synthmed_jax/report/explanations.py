"""The sentences of the report's section on explanations, from explain/lime.json alone."""

from __future__ import annotations

from synthmed_jax.report.conclusions import Shortcuts
from synthmed_jax.report.explanation_tables import REGIONS
from synthmed_jax.report.formats import n_is, percent, points, signed_interval
from synthmed_jax.report.shortcuts import RegionEvidence
from synthmed_jax.results.explanations import (
    Alarm,
    EngineAgreement,
    LimeSummary,
    NearestAgreement,
    Page,
)
from synthmed_jax.statistics.agreement import HalvesAgreement
from synthmed_jax.statistics.intervals import Estimate
from synthmed_jax.statistics.power import detectable_gain
from synthmed_jax.verdicts import LOSS_ABOVE, Shortcut, is_shortcut

# Area of an alarm -> what is said of its share of the importance.
EDGES = {
    "ring": "the outermost ring of pixels weighs {share} times its area",
    "background": "the background weighs {share} times its area",
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
        f"regions, {_copies(lime)} of each image, sampling {lime.sampling}"
        f"{control}, seed {lime.seed}). {_evaluations(lime)}Numbers are of at most "
        f"{lime.images_per_class} images per class and kind, drawn at random; the pictures are of "
        "chosen ones. "
        "R\N{SUPERSCRIPT TWO} is the share of the variation in the network's answers that an "
        "explanation accounts for: near 0 it explains nothing. On the pictures + and "
        "\N{MINUS SIGN} mark regions that speak strongly for and against the predicted class; "
        "outlined ones speak for it."
        f"{_unsure(lime)}"
    )


def _copies(lime: LimeSummary) -> str:
    most = "at most " if lime.precision else ""
    return f"{most}{lime.num_samples} perturbed copies"


def _evaluations(lime: LimeSummary) -> str:
    """Says what the explanations took and how sure they are, with a space after it; or ""."""
    of = lime.evaluations
    if of is None:
        return ""
    took = (
        f"The {of.explanations} explanations, of all seeds and of the nearest real images, took "
        f"{of.total} perturbed copies in all"
    )
    if not lime.precision:
        return f"{took}. "
    return (
        f"Each stopped once the standard errors of the regions that its picture marks (root mean "
        f"square) were at most {percent(lime.precision)} of its largest weight. {took}, half of "
        f"them {of.median:.0f} or fewer and none more than {of.most}; {of.imprecise} ended at the "
        f"most allowed without being so sure. "
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
    """Returns a warning for every region that is used as a shortcut.

    And for every class whose explanations keep to a region, unless no forest makes anything of it.
    """
    regions = () if shortcuts.evidence is None else shortcuts.evidence.regions
    used = [_used(each) for each in regions if each.verdict is Shortcut.USED]
    silent = {each.probe.region for each in regions if each.verdict is Shortcut.NONE_VISIBLE}
    edges = [
        _alarm(kind, alarm)
        for kind, alarms in shortcuts.alarms.items()
        for alarm in alarms
        if alarm.area not in silent
    ]
    return used + edges


def _used(of: RegionEvidence) -> str:
    name, loss = REGIONS[of.probe.region], of.probe.loss
    reasons = []
    if loss is not None and loss.is_above(LOSS_ABOVE.value):
        reasons.append(
            f"without it, its balanced accuracy on the real test images "
            f"({n_is(of.probe.num_images)}) falls from {percent(of.probe.accuracy)} by "
            f"{points(loss.estimate)} ({signed_interval(loss)})"
        )
    if is_shortcut(of.probe.importance):
        reasons.append(
            f"LIME's importance there is {_interval(of.probe.importance)} times its area "
            f"({n_is(of.probe.importance.n)})"
        )
    known = _known(of)
    return (
        f"Shortcut alarm: the network makes use of {name} of the image: {'; '.join(reasons)}."
        f"{f' {known}' if known else ''}"
    )


def _known(of: RegionEvidence) -> str:
    """Says what forests make of a region, or ""."""
    if not of.floors:
        return ""
    scores = ", ".join(
        f"{percent(floor.balanced_accuracy)} ({arm} images)" for arm, floor in of.floors.items()
    )
    return (
        f"A forest that has learned from {REGIONS[of.probe.region]} alone has a balanced accuracy "
        f"of {scores}."
    )


def shortcuts(of: Shortcuts) -> list[str]:
    """Returns what is known of every region whose use as a shortcut is not shown."""
    regions = () if of.evidence is None else of.evidence.regions
    return [SHORTCUTS[each.verdict](each) for each in regions if each.verdict in SHORTCUTS]


def _possible(of: RegionEvidence) -> str:
    return (
        f"A shortcut by {REGIONS[of.probe.region]} is possible: {_lower(_known(of))} That the "
        f"network makes use of it is not shown.{_missed(of)}"
    )


def _none_visible(of: RegionEvidence) -> str:
    above = [f.above_majority for f in of.floors.values() if f.above_majority is not None]
    smallest = min(detectable_gain(each) for each in above)
    return (
        f"No shortcut by {REGIONS[of.probe.region]} is visible: no forest that sees nothing else "
        f"is shown to be better than the most frequent class; {points(smallest)} more would have "
        f"been found (80 % power).{_missed(of)}"
    )


def _not_measured(of: RegionEvidence) -> str:
    return (
        f"What {REGIONS[of.probe.region]} alone would tell was not measured by the version that "
        f"evaluated this run.{_missed(of)}"
    )


SHORTCUTS = {
    Shortcut.POSSIBLE: _possible,
    Shortcut.NONE_VISIBLE: _none_visible,
    Shortcut.NOT_MEASURED: _not_measured,
}


def _missed(of: RegionEvidence) -> str:
    """Says how large a loss by blanking is that was not found, with a space before it."""
    loss = of.probe.loss
    if loss is None:
        return " No test image has such a region."
    smallest = points(detectable_gain(loss) + LOSS_ABOVE.value)
    return (
        f" A loss of {smallest} when it is blanked would have been found (80 % power); smaller "
        "ones may be there."
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _alarm(kind: str, alarm: Alarm) -> str:
    weighs = EDGES[alarm.area].format(share=_interval(alarm.share))
    return (
        f"Importance at the edge: on {kind} images of {alarm.class_name} {weighs} "
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
