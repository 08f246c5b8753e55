"""The verdict on what may be released, from the search for copies and the attacks on membership.

The rules are verdicts.judge_release; here they meet the numbers, and get their words.
"""

from __future__ import annotations

import math

from synthmed_jax import verdicts
from synthmed_jax.results.membership import (
    FILTERED_ONLY,
    IMAGES_AND_WEIGHTS,
    IMAGES_ONLY,
    Attack,
    Membership,
)
from synthmed_jax.results.memorisation import AuditMemorisation, Rate
from synthmed_jax.results.release import COPIES, Release

# What somebody can try who is given this: attacks by what they need.
_NEEDS = {
    IMAGES_ONLY: (IMAGES_ONLY,),
    IMAGES_AND_WEIGHTS: (IMAGES_ONLY, IMAGES_AND_WEIGHTS),
    FILTERED_ONLY: (FILTERED_ONLY,),
}
_LESS_LEARNED = (
    "Fewer training steps (config.diffusion.train.steps), more training images, twins left out of "
    "fit, more augmentation (config.diffusion.warp) or a smaller network make the generator learn "
    "less of single images."
)
_WOULD_CHANGE = {
    verdicts.Release.COPIES_FOUND: (
        _LESS_LEARNED,
        "config.generate.filter=copies makes a second set without the images that are flagged; it "
        "does not change what the generator has learned, nor the verdict on it.",
    ),
    verdicts.Release.ATTACK_SUCCEEDS: (_LESS_LEARNED,),
    verdicts.Release.NOT_FOUND: (
        "More released images, kinds of copies that the search has holes for, or a stronger attack "
        "could lead to another verdict; so could another seed.",
    ),
    verdicts.Release.NOTHING_CONCLUDED: (
        f"What is said to lack, often {verdicts.FEW_IMAGES.value:.0f} fit images of each "
        "class, or as many held-out ones: a larger config.split.fraction, or more images.",
    ),
}
_FILTERED = (
    "The unfiltered images hold copies; those that the search flags were left out, so the same "
    "search can't say whether others are left."
)
_NOT_COVERED = (
    "copies of a part of an image, and what shows who a patient is without a copied image",
    "attackers who know more: generators of their own trained for comparison, other images of the "
    "patient, the data set that this one was drawn from",
    "other seeds, splits and settings than those of this run",
)
_ALSO_NOT_COVERED = {
    IMAGES_ONLY: (
        "images that are drawn later: each is another chance of a copy",
        "a release of the generator's weights",
    ),
    FILTERED_ONLY: (
        "copies of kinds that the search has holes for, which its filter leaves in",
        "images that are drawn later, and a release of the generator's weights",
    ),
    IMAGES_AND_WEIGHTS: (
        "weights of other steps, as in checkpoints/ and kept/: they may have learned longer",
        "what can be drawn from the weights by who asks again and again, or steers them towards a "
        "patient",
    ),
}


def judge(
    copies: AuditMemorisation, membership: Membership, without_copies: bool = True
) -> tuple[Release, ...]:
    """Returns the verdict on each kind of release; of filtered images where these were attacked.

    Args:
      without_copies: whether the filter, if there is one, leaves suspected copies out. If not, what
        the search says of the unfiltered images stands for the filtered ones.

    The search that made the filter flags none of the images that it left, so it can't be asked
    about them. What it says of the unfiltered ones stands for these too where it found nothing, and
    else copies are an open question.
    """
    attacked = {each.attacker for each in membership.attacks}
    judged = [each for each in _NEEDS if each != FILTERED_ONLY or each in attacked]
    return tuple(_judge(released, copies, membership, without_copies) for released in judged)


def _judge(
    released: str, copies: AuditMemorisation, membership: Membership, without_copies: bool
) -> Release:
    attacks = [each for each in membership.attacks if each.attacker in _NEEDS[released]]
    of_copies, sentence = verdicts.Copies(copies.verdict), copies_sentence(copies)
    found_and_left_out = without_copies and of_copies is verdicts.Copies.FOUND
    if released == FILTERED_ONLY and found_and_left_out:
        of_copies, sentence = verdicts.Copies.NOTHING_CONCLUDED, _FILTERED
    verdict = verdicts.judge_release(
        of_copies, [verdicts.Membership(each.verdict) for each in attacks]
    )
    of_attacks = [attack_sentence(each) for each in attacks]
    if not attacks:
        of_attacks = [f"No attack on membership was tried: {membership.why}."]
    would_change = _WOULD_CHANGE[verdict]
    needed = {each.attacker for each in attacks if each.verdict == verdicts.Membership.SUCCEEDS}
    if verdict is verdicts.Release.ATTACK_SUCCEEDS and needed == {IMAGES_AND_WEIGHTS}:
        would_change = (*would_change, "Releasing the images without the weights.")
    return Release(
        released=released,
        verdict=verdict.value,
        answers={COPIES: of_copies.value} | {each.name: each.verdict for each in attacks},
        because=(sentence, *of_attacks),
        would_change=would_change,
        not_covered=(*_NOT_COVERED, *_ALSO_NOT_COVERED[released]),
    )


def copies_sentence(found: AuditMemorisation) -> str:
    """What the search for copies found, with its power, holes first."""
    if found.copied is None or found.p is None:
        return f"Nothing is concluded about copies: {found.why}."
    union = found.detectors[-1]
    unseen = ""
    if union.held_out is not None:
        unseen = f", and {union.held_out.hits} of {union.held_out.n} held-out ones"
    flagged = (
        f"{_words(found.copied)} of the synthetic images are flagged as copies, and "
        f"{union.false_alarms.hits} of {union.false_alarms.n} different fit images, which the "
        f"threshold was taken from{unseen} (p of copies = {found.p:.2g})."
    )
    kinds, least = len(union.power), min(rate.share for rate in union.power.values())
    if not found.holes:
        percent = math.floor(100 * least)
        return (
            f"{flagged} Of each of {kinds} kinds of changed copies, at least {percent}% are found."
        )
    holes = "; ".join(f"{how}: {union.power[how].share:.0%}" for how in found.holes)
    return (
        f"{flagged} The search has holes, kinds of changed copies of which fewer than "
        f"{verdicts.LEAST_POWER.value:.0%} are found ({holes}; {kinds} kinds were planted)."
    )


def attack_sentence(attack: Attack) -> str:
    """How well an attack tells learned images from others, and what it would have found."""
    area = attack.area
    said = {
        verdicts.Membership.SUCCEEDS: "it succeeds",
        verdicts.Membership.NOT_FOUND: (
            f"it is not found to succeed; {area.detectable:.2f} would have been found in 80 % of "
            "such sets"
        ),
        verdicts.Membership.TOO_FEW: (
            f"nothing is concluded, since a class has {attack.fewest} "
            f"images on either side and {verdicts.FEW_IMAGES.value:.0f} are needed"
        ),
        verdicts.Membership.SPLIT_TELLS: (
            "nothing is concluded, since scores that know nothing of the generator tell them too"
        ),
    }[verdicts.Membership(attack.verdict)]
    return (
        f"The attack by {attack.name} on learned images and others has the AUROC {area.value:.2f} "
        f"({area.low:.2f} to {area.high:.2f}; chance: 0.5): {said}."
    )


def _words(rate: Rate) -> str:
    return f"{rate.hits} of {rate.n} ({rate.share:.1%})"
