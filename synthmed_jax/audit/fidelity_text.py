"""The audit's fidelity in words and tables, for the report."""

from __future__ import annotations

from collections.abc import Sequence

from synthmed_jax.results.audit import (
    AUROC_FOREST,
    AUROC_NETWORK,
    COVERAGE,
    DENSITY,
    FIT,
    HELD_OUT,
    KID,
    AuditFidelity,
    Comparison,
    Measured,
    Place,
    Places,
    PretrainedNetwork,
)
from synthmed_jax.results.fidelity_words import FEATURES, READING, REFERENCES, named
from synthmed_jax.results.section import Row, Section, SectionPicture, Table

PICTURE = "difference.png"
# What the tables of single classes show; the rest is in fidelity.json.
_OF_CLASSES = (
    (AUROC_FOREST, "pixels"),
    (AUROC_FOREST, "handmade"),
    (AUROC_FOREST, "ring"),
    (KID, "random_convolutions"),
    (DENSITY, "random_convolutions"),
    (COVERAGE, "random_convolutions"),
)


def to_section(fidelity: AuditFidelity) -> Section:
    """Returns the section, with PICTURE where one was drawn: of the last of `fidelity.places`."""
    return Section(
        title="How far synthetic images can be told from real ones",
        paragraphs=(
            *_headline(fidelity),
            *map(_where, fidelity.places),
            _HOW,
            *([] if fidelity.pretrained is None else [_network(fidelity.pretrained)]),
        ),
        tables=(_overall(fidelity), *_of_classes(fidelity)),
        pictures=tuple(map(_picture, fidelity.places[-1:])),
    )


_HOW = (
    "Each figure is of equally many images of each class in both sets, and stands beside that of "
    "two sets of other real images of the same number: only what is beyond that is a difference of "
    "the synthetic images. What is told apart need not matter to a physician, and what is not told "
    "apart need not be a copy-free, correct image. No setting is chosen by these figures."
)


def _network(network: PretrainedNetwork) -> str:
    """What was looked through, and what only its owner knows."""
    same = (
        " Its last layer is for as many classes as this data set has: make sure of it."
        if network.head == "kept"
        else ""
    )
    return (
        f"The pretrained network is a {network.backbone} with the weights of {network.weights} "
        f"(sha256 {network.sha256[:12]}), which sees images of {network.side} by {network.side} "
        "pixels; its features are what its last layer sees. These figures hold only if it has not "
        "learned from any of these images, or from others of the same patients, which its file "
        f"does not tell.{same}"
    )


def _headline(fidelity: AuditFidelity) -> list[str]:
    """One sentence per reference: what tells the sets apart best, or that nothing does."""
    said = []
    for against, words in REFERENCES.items():
        told = [
            each
            for each in fidelity.comparisons
            if each.against == against
            and not each.class_name
            and each.measure in (AUROC_FOREST, AUROC_NETWORK)
        ]
        best = max(
            ((e.synthetic.value, e.synthetic, e) for e in told if e.synthetic is not None),
            key=lambda each: each[0],
            default=None,
        )
        if best is None:
            said.append(f"Synthetic and {words} were not compared: {told[0].why}.")
            continue
        value, measured, by = best
        whom = "forest" if by.measure == AUROC_FOREST else "small network"
        beside = "" if by.real is None else f"; two sets of real ones: {by.real.value:.2f}"
        verdict = (
            f"can be told apart: a {whom} does so best by {FEATURES[by.features]}, with AUROC "
            f"{value:.2f}"
            if measured.low > 0.5
            else f"are not shown to be told apart: the best attempt, a {whom}'s by "
            f"{FEATURES[by.features]}, has AUROC {value:.2f}"
        )
        said.append(
            f"Synthetic and {words} {verdict} ({measured.low:.2f} to {measured.high:.2f}; 0.5: no "
            f"better than tossing a coin, 1: always right{beside}; {by.num_images} images of each)."
            f"{_by_ring(told)}"
        )
    return said


def _by_ring(told: Sequence[Comparison]) -> str:
    """The edge of a picture shows nothing of a disease: what it tells is an artefact."""
    for each in told:
        if each.features == "ring" and each.synthetic is not None and each.synthetic.low > 0.5:
            return (
                " The outermost ring of pixels alone is enough for an AUROC of "
                f"{each.synthetic.value:.2f}: the edge of the synthetic images is not like that of "
                "real ones."
            )
    return ""


def _where(places: Places) -> str:
    words = REFERENCES[places.against]
    return (
        f"Where synthetic images differ most from {words}, in standard deviations between images "
        f"(chance alone gave two sets of real images the figures in brackets): "
        f"{_ring(places.synthetic)} ({abs(places.real.of_ring):.1f}); the power at "
        f"{places.synthetic.cycles} cycles per image side by "
        f"{places.synthetic.of_cycles:+.1f} ({abs(places.real.of_cycles):.1f}); the pixel in row "
        f"{places.synthetic.row}, column {places.synthetic.column} by "
        f"{places.synthetic.of_pixel:+.1f} ({abs(places.real.of_pixel):.1f})."
    )


def _ring(place: Place) -> str:
    which = "the outermost ring of pixels" if not place.ring else f"ring {place.ring} from the edge"
    of = "mean level" if place.ring_by == "mean" else "spread of levels"
    return f"{which}, in its {of}, by {place.of_ring:+.1f}"


def _overall(fidelity: AuditFidelity) -> Table:
    of_all = [each for each in fidelity.comparisons if not each.class_name]
    by_key = {(e.measure, e.features, e.against): e for e in of_all}
    keys = dict.fromkeys((e.measure, e.features) for e in of_all)
    rows = []
    for measure, features in keys:
        both = [by_key[measure, features, against] for against in REFERENCES]
        values = [text for e in both for text in (_text(e.synthetic, e.why), _text(e.real, e.why))]
        rows.append(Row(named(measure, features), tuple(values)))
    n = {e.against: e.num_images for e in of_all}
    left_out = ", ".join(f"{fidelity.num_twins[k]} {REFERENCES[k]}" for k in REFERENCES)
    caption = (
        f"All classes together, with 95 % intervals over images. n = {n[FIT]} images of each set "
        f"beside fit, {n[HELD_OUT]} beside held-out images (at most {fidelity.limit}; as many real "
        f"ones again for the figures of real images). {READING} "
        f"Frechet distance: only where there are ten images per feature; above 0 by chance alone. "
        f"Left out since another image of the class has the same pixels: {left_out}."
    )
    columns = tuple(
        text for words in REFERENCES.values() for text in (f"synthetic, {words}", f"real, {words}")
    )
    return Table(columns, tuple(rows), caption)


def _of_classes(fidelity: AuditFidelity) -> list[Table]:
    """A table per reference that has any value of a single class."""
    names = list(dict.fromkeys(e.class_name for e in fidelity.comparisons if e.class_name))
    columns = tuple(named(*key) for key in _OF_CLASSES)
    tables = []
    for against, words in REFERENCES.items():
        found = {
            (e.class_name, e.measure, e.features): e
            for e in fidelity.comparisons
            if e.against == against and e.class_name
        }
        if all(each.synthetic is None for each in found.values()):
            continue
        rows = []
        for name in names:
            of_class = [found[(name, *key)] for key in _OF_CLASSES]
            rows.append(Row(f"{name} (n = {of_class[0].num_images})", _beside(of_class)))
        caption = (
            f"Class by class: synthetic images against {words}; in brackets, other real images "
            f"against the same. Intervals are in audit/fidelity.json."
        )
        tables.append(Table(columns, tuple(rows), caption))
    return tables


def _beside(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    return tuple(
        each.why
        if each.synthetic is None or each.real is None
        else f"{each.synthetic.value:.3g} ({each.real.value:.3g})"
        for each in comparisons
    )


def _text(measured: Measured | None, why: str) -> str:
    if measured is None:
        return f"none: {why}"
    return f"{measured.value:.3g} ({measured.low:.3g} to {measured.high:.3g})"


def _picture(places: Places) -> SectionPicture:
    words = REFERENCES[places.against]
    return SectionPicture(
        PICTURE,
        f"Mean real and mean synthetic image, their difference, and spectra of both, of {words}",
        f"Synthetic images beside {words}, {places.num_images} of each. Above: mean images, their "
        "difference in grey levels (red: synthetic ones are brighter), and the same in standard "
        "deviations between images. Below: mean power at each frequency; the differences of that "
        "and of the mean level of each ring of pixels. Grey lines are of two sets of real images: "
        "differences of that size are chance.",
    )
