"""Attacks on membership in words and tables, for the report."""

from __future__ import annotations

from collections.abc import Mapping

from synthmed_jax.results.fidelity import BitsPerDimension
from synthmed_jax.results.membership import (
    CALIBRATED,
    FILTERED_ONLY,
    IMAGES_AND_WEIGHTS,
    IMAGES_ONLY,
    LOSS,
    NEARNESS,
    NEARNESS_OF_FILTERED,
    Attack,
    HitRate,
    Membership,
)
from synthmed_jax.results.section import Row, Section, SectionPicture, Table
from synthmed_jax.statistics.roc import AreaEstimate
from synthmed_jax.verdicts import FEW_IMAGES
from synthmed_jax.verdicts import Membership as Verdict

PICTURE = "membership.png"
FILE = "section_membership.json"
_TITLE = "Whether learned images can be told from others"
# Who an attack is an answer to.
_THREATS = {
    IMAGES_ONLY: "an attacker who has the synthetic images and a candidate image, no weights",
    IMAGES_AND_WEIGHTS: "an attacker who has the generator's weights and a candidate image",
    FILTERED_ONLY: "an attacker who has the images that the filter left and a candidate image",
}
_HOW = {
    LOSS: "asks the generator to take a little noise away from the candidate, and takes it for a "
    "learned one where that goes well",
    CALIBRATED: "does the same, and takes off how well generators of other seeds do that have not "
    "learned the candidate",
    NEARNESS_OF_FILTERED: "takes a candidate for a learned one where one of these images is near",
    NEARNESS: "takes a candidate for a learned one where a synthetic image is near to it",
}
_INTRODUCTION = (
    "If somebody can tell that an image was among those that the generator learned from, they have "
    "learned something about a patient, though no image was copied. Two attackers are tried, by "
    "what is released: one has the images only, the other the weights as well. Each says how "
    "likely an image is to be a learned one; members are images of fit, and the others are as many "
    "held-out images of each class, drawn for this from those that networks are tested on."
)
_LIMITS = (
    "An attack that fails proves nothing about stronger ones: more generators for comparison, more "
    "noise, or knowledge of the patient. No setting is chosen by these figures."
)
_NO_REFERENCES = (
    "The loss is not calibrated by generators that have learned other images: workdirs of other "
    "seeds in config.audit.references can serve for that."
)


def to_section(found: Membership) -> Section:
    """Returns the section, with PICTURE where anything was measured."""
    if found.why:
        nothing = f"Nothing is concluded: there are too few images ({found.why})."
        return Section(_TITLE, (_INTRODUCTION, nothing))
    said = [_sentence(attack, found) for attack in found.attacks]
    return Section(
        _TITLE,
        (_INTRODUCTION, *said, _blind_sentence(found), *_bits_sentence(found), *_limits(found)),
        (_attacks(found), _explored(found)),
        (
            SectionPicture(
                PICTURE,
                "ROC curves of the attacks with logarithmic axes, beside chance",
                "Learned images found against other images taken for learned ones. On the left, "
                "where next to no other image is accused wrongly, an attack harms most.",
            ),
        ),
    )


def _sentence(attack: Attack, found: Membership) -> str:
    area = attack.area
    figure = f"AUROC {_area(area)}; 0.5: a coin, 1: always right"
    threat = f"Against {_THREATS[attack.attacker]}: the attack {_HOW[attack.name]}."
    match Verdict(attack.verdict):
        case Verdict.TOO_FEW:
            judged = (
                f"Nothing is concluded: a class has {attack.fewest} members, and "
                f"{FEW_IMAGES.value:.0f} of each are needed ({figure})"
            )
        case Verdict.SUCCEEDS:
            judged = (
                f"The attack succeeds ({figure}). What would change that: fewer training steps, "
                "more images, warps of the training images, a smaller network"
                + ("; or releasing no weights" if attack.attacker == IMAGES_AND_WEIGHTS else "")
            )
        case Verdict.SPLIT_TELLS:
            judged = (
                f"It tells members from others ({figure}), but so does a score that knows nothing "
                "of the generator: the split itself tells, and this says nothing of the generator"
            )
        case Verdict.NOT_FOUND:
            judged = f"Nothing was found at this power ({figure})"
    if Verdict(attack.verdict) in (Verdict.TOO_FEW, Verdict.SPLIT_TELLS):
        return f"{threat} {judged}."
    return (
        f"{threat} {judged}. The smallest AUROC that would have been found in 80 % of such sets is "
        f"{area.detectable:.2f}."
    )


def _blind_sentence(found: Membership) -> str:
    figures = "; ".join(f"{each.name} {_area(each.area)}" for each in found.blind)
    told = (
        "at least one of these tells members from others, so the split is not a random one of "
        "images that are alike"
        if found.blind_tells
        else "none of these tells members from others, as it should be"
    )
    return (
        f"Without the generator: {told} (AUROC of {figures}; intervals that hold 0.5 all together "
        "in 95 % of such splits)."
    )


def _bits_sentence(found: Membership) -> tuple[str, ...]:
    """Bits of learned beside unlearned images; none where no portion has both."""
    of_fit, of_val = found.bits.get("fit", {}), found.bits.get("val", {})
    both = [name for name in of_fit if name in of_val]
    if not both:
        return ()
    each = "; ".join(
        f"{'all classes' if name == 'all' else name}: fit {_bits(of_fit, name)}, "
        f"val {_bits(of_val, name)}"
        for name in both
    )
    return (
        "Bits per dimension that the generator needs for images, fewer for those it knows "
        f"(plus or minus a standard error; {each}). This answers nobody who attacks: it shows how "
        "far the generator has learned its own images.",
    )


def _bits(bits: Mapping[str, BitsPerDimension], name: str) -> str:
    of = bits[name]
    error = "" if of.standard_error is None else f" ± {of.standard_error:.3f}"
    return f"{of.total:.3f}{error} (n = {of.num_images})"


def _limits(found: Membership) -> tuple[str, ...]:
    n = found.num_references
    if not n:
        return (_LIMITS, _NO_REFERENCES)
    words = "a generator of another seed" if n == 1 else f"{n} generators of other seeds"
    return (
        _LIMITS,
        f"The calibrated loss is held against that of {words}, for each image against those that "
        "have not learned it; images that all of them have learned have no part in it.",
    )


def _attacks(found: Membership) -> Table:
    n = sum(found.num_members.values())
    left_out = sum(found.num_fit.values()) - n
    among = (
        f"{left_out} fit images are not among them, since there is no held-out image for each or "
        f"at most {found.limit} are taken"
        if left_out
        else "all fit images are among them"
    )
    rows = []
    for attack in found.attacks:
        values = (
            attack.attacker,
            _area(attack.area),
            *(_hits(each) for each in attack.hits),
            f"{attack.difference:+.2f}",
            f"{attack.p_set:.2g}",
            f"{attack.area.detectable:.2f}",
            attack.verdict,
        )
        rows.append(Row(attack.name, values))
    rates = tuple(
        f"members found at {each.allowed:.0%} false alarms" for each in found.attacks[0].hits
    )
    columns = (
        *("attacker has", "AUROC", *rates, "mean difference", "p of the set"),
        *("smallest AUROC that would be found", "verdict"),
    )
    groups = found.attacks[0].area.num_groups
    caption = (
        f"{n} members and {n} other images ({groups[0]} and {groups[1]} independent groups; "
        f"{among}; {found.num_linked} of the others are twins or near-duplicates of fit or val: "
        "they stay, since members have such among all images as well). Intervals: 95 %, over "
        "groups for AUROC; for members found, exact for independent images at the threshold that "
        "gave these false alarms here, and too narrow, since other images would give another "
        "threshold. Mean difference: of the scores, in standard deviations of the other "
        "images'. P of the set: one-sided, by exchanging groups between members and others; it "
        "answers whether the set as a whole was learned from. Each verdict is by the AUROC of its "
        "row; the loss is the mean over all levels of noise, which was declared beforehand."
    )
    return Table(columns, tuple(rows), caption)


def _explored(found: Membership) -> Table:
    rows = [
        Row(
            f"{each.level:.0%} of T (step {each.step})",
            (_area(each.area), f"{each.p:.2g}", IMAGES_AND_WEIGHTS),
        )
        for each in found.levels
    ]
    rows += [Row(each.name, (_area(each.area), "", "none")) for each in found.blind]
    caption = (
        f"Exploratory: the loss at each level of noise alone, {found.draws} draws of noise per "
        "image, P values adjusted for all levels (Holm). Below, scores without the generator; the "
        "forest learns half of the images and is asked about the other half. No "
        "verdict rests on these rows but that the split is fair."
    )
    return Table(("AUROC", "p, adjusted", "attacker has"), tuple(rows), caption)


def _area(area: AreaEstimate) -> str:
    return f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f})"


def _hits(hits: HitRate) -> str:
    return f"{hits.share:.1%} ({hits.low:.1%} to {hits.high:.1%}), {hits.false_alarms} false"
