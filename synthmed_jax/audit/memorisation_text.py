"""The audit's search for copies in words and tables, for the report."""

from __future__ import annotations

from synthmed_jax import verdicts
from synthmed_jax.audit.copy_excess import STRICT_FALSE_ALARMS, TOLERATED
from synthmed_jax.audit.copy_threshold import FALSE_ALARMS
from synthmed_jax.results.memorisation import ALIGNED, IDENTITY, UNION, AuditMemorisation, Rate
from synthmed_jax.results.section import Row, Section, SectionPicture, Table

FILE = "section_memorisation.json"
DISTANCES, PAIRS = "copy_distances.png", "closest_pairs.png"
_SPACES = {ALIGNED: "aligned pixels", IDENTITY: "features", UNION: "either"}
_TITLE = "Are there copies of training images among the synthetic ones?"
_HOW = (
    "This is what anybody who has the synthetic images can look for. For every synthetic image the "
    "nearest fit image was looked for in two ways: by the correlation of details after the best "
    "mirroring, turn, zoom and shift, and by features of a small network that learned on fit to "
    "know an image again after it was changed. An image is flagged where it is nearer than "
    "different fit images come to each other; no held-out image has a part in that. A share of "
    "images that are no copies is flagged too: the false alarms. What is found is copies of whole "
    "images; a copied part of an image, or a patient who can be recognised, is not looked for, and "
    "neither is what an attack on the generator's weights would tell."
)


def to_section(found: AuditMemorisation) -> Section:
    """Returns the section, with DISTANCES and PAIRS where something is concluded."""
    if found.copied is None:
        words = f"Nothing is concluded about copies: {found.why}."
        return Section(_TITLE, (words,))
    return Section(
        title=_TITLE,
        paragraphs=(_headline(found), _holes(found), _HOW),
        tables=(_power(found), _classes(found)),
        pictures=_pictures(found),
    )


def _headline(found: AuditMemorisation) -> str:
    union = found.detectors[-1]
    if found.copied is None or found.copied_strictly is None or found.fit_copied is None:
        raise ValueError("nothing was concluded, so there is no headline")
    verdict = {
        verdicts.Copies.FOUND: "Copies found",
        verdicts.Copies.NOT_FOUND: "Nothing found at this power, which is no proof of no copies",
    }[verdicts.Copies(found.verdict)]
    return (
        f"{verdict}: {_words(found.copied)} of the synthetic images are flagged, and "
        f"{_count(union.false_alarms)} different fit images, which the threshold was taken from (p "
        f"= {found.p_excess:.2g} for the difference, which images that are only smoother than real "
        f"ones may make too). A stricter threshold, which at most {STRICT_FALSE_ALARMS:.1%} of "
        f"images that are no copies should pass, flags {found.copied_strictly.hits}. By that "
        f"number, or where well over {TOLERATED:.0%} are flagged, copies are called found: p = "
        f"{found.p:.2g}, and below {verdicts.COPIES_P.value:g} they are. The flagged images are "
        f"nearest to {_count(found.fit_copied)} fit images. {found.num_left_out} fit images "
        "have a twin or near-duplicate in fit, and no threshold comes from them."
    )


def _holes(found: AuditMemorisation) -> str:
    least = f"{verdicts.LEAST_POWER.value:.0%}"
    if not found.holes:
        return f"Of every kind of changed copy that was planted, at least {least} are flagged."
    power = found.detectors[-1].power
    listed = "; ".join(f"{how}: {_words(power[how])}" for how in found.holes)
    return (
        f"The search has holes. Of these changed copies it flags fewer than {least}, so that a "
        f"generator that makes such ones may go unnoticed: {listed}."
    )


def _power(found: AuditMemorisation) -> Table:
    rows = [
        Row("no copies: fit images", tuple(_count(each.false_alarms) for each in found.detectors)),
        *_held_out(found),
        *(
            Row(how, tuple(_words(each.power[how]) for each in found.detectors))
            for how in found.detectors[-1].power
        ),
    ]
    caption = (
        f"Power: changed copies of fit images that were planted in this run, and the share of them "
        "that is flagged (number, with the exact 95 % interval). No copies: the different fit "
        f"images that the threshold comes from, of which it lets {FALSE_ALARMS:.0%} be flagged in "
        "each column; and held-out images without a near-duplicate in fit or val, from which "
        "nothing was taken, so that of them more or fewer may be."
    )
    return Table(tuple(_SPACES[each.space] for each in found.detectors), tuple(rows), caption)


def _held_out(found: AuditMemorisation) -> list[Row]:
    rates = [each.held_out for each in found.detectors]
    cells = tuple(_words(rate) for rate in rates if rate is not None)
    return [Row("no copies: held-out images", cells)] if len(cells) == len(rates) else []


def _classes(found: AuditMemorisation) -> Table:
    rows = [
        Row(name, (_words(each.copied), f"{each.fit_copied} of {each.num_fit}"))
        for name, each in found.classes.items()
    ]
    caption = (
        "By class: synthetic images that either search flags, false alarms among them, with the "
        "exact 95 % interval; and fit images that are the nearest of a flagged image."
    )
    return Table(("synthetic images flagged", "fit images nearest to one"), tuple(rows), caption)


def _pictures(found: AuditMemorisation) -> tuple[SectionPicture, ...]:
    return (
        SectionPicture(
            DISTANCES,
            "Histograms of distances of synthetic and of fit images to their nearest fit image",
            "Distances of synthetic images to their nearest fit image, and of different fit images "
            "to their nearest other one. Copies lie on the left of the dashed line.",
        ),
        SectionPicture(
            PAIRS,
            f"The {len(found.closest)} synthetic images most alike to a fit image, beside it",
            f"The {len(found.closest)} pairs that are most alike under alignment: on the left the "
            "synthetic image, on the right its nearest fit image, not aligned; the number is their "
            "correlation.",
        ),
    )


def _count(rate: Rate) -> str:
    return f"{rate.hits} of {rate.n}"


def _words(rate: Rate) -> str:
    return f"{rate.hits} of {rate.n} ({rate.share:.1%}; {rate.low:.1%} to {rate.high:.1%})"
