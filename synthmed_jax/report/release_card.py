"""The card on releases: each kind's verdict, what it follows from, and with what power."""

from __future__ import annotations

from synthmed_jax import verdicts
from synthmed_jax.report import card_words, wording
from synthmed_jax.report.card import Card, Finding, Number
from synthmed_jax.report.conclusions import Conclusions
from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import n_is, percent
from synthmed_jax.results.membership import IMAGES_ONLY, Attack
from synthmed_jax.results.memorisation import AuditMemorisation
from synthmed_jax.results.release import Release

NAME, QUESTION = "release", "Is it safe to share?"
_UNJUDGED = "The audit of this workdir is of a version that judged no release."


def release_card(contents: Contents, conclusions: Conclusions) -> Card:
    """Returns the card; without verdicts on releases it holds what the distances say."""
    if not conclusions.release:
        words, tone = card_words.NOT_MEASURED
        lacking = (
            wording.not_run("audit", "no verdict on a release")
            if contents.memorisation is None
            else _UNJUDGED
        )
        nothing = Finding("", verdicts.Copying.NOT_MEASURED.value, words, tone)
        # The ratio of medians looks at no single image, so it is no verdict on a release.
        ratio = wording.copying(conclusions.copying, contents.fidelity)
        return Card(NAME, QUESTION, (nothing,), (card_words.NO_AUDIT,), (ratio,), lacking)
    changes = dict.fromkeys(text for each in conclusions.release for text in each.would_change)
    details = [
        wording.release(conclusions.release),
        *(
            f"{wording.RELEASED[each.released]}, not covered: {'; '.join(each.not_covered)}."
            for each in conclusions.release
            if each.not_covered
        ),
    ]
    findings = tuple(_finding(each, contents) for each in conclusions.release)
    return Card(NAME, QUESTION, findings, tuple(changes), tuple(details))


def _finding(release: Release, contents: Contents) -> Finding:
    words, tone = card_words.RELEASES[verdicts.Release(release.verdict)]
    succeeds = verdicts.Membership.SUCCEEDS
    attacks = [
        attack
        for attack in (() if contents.membership is None else contents.membership.attacks)
        # What others can try too is shown with their release, unless this verdict rests on it.
        if attack.attacker == release.released or release.answers.get(attack.name) == succeeds
    ]
    attacks.sort(key=lambda attack: release.answers.get(attack.name) != succeeds)
    numbers, power = [_attacked(attack) for attack in attacks], []
    copies = contents.memorisation
    if copies is not None and release.released == IMAGES_ONLY:
        decides = release.verdict == verdicts.Release.ATTACK_SUCCEEDS
        numbers = [*numbers, *_flagged(copies)] if decides else [*_flagged(copies), *numbers]
        power += _power_of_search(copies)
    power += dict.fromkeys(map(_power_of_attack, attacks))
    return Finding(
        wording.RELEASED[release.released],
        release.verdict,
        words,
        tone,
        tuple(numbers),
        " ".join(power),
    )


def _power_of_attack(attack: Attack) -> str:
    """What an attack would have found, or why it can find nothing."""
    if attack.verdict == verdicts.Membership.TOO_FEW:
        few = f"{verdicts.FEW_IMAGES.value:.0f}"
        return f"A class has {attack.fewest} images on either side, and {few} are needed."
    if attack.verdict == verdicts.Membership.SPLIT_TELLS:
        return "The split itself tells the sets apart, so that attacks say nothing."
    return (
        f"An AUROC of {attack.area.detectable:.2f} by {attack.name} would be found in 80 % of such "
        "sets."
    )


def _flagged(copies: AuditMemorisation) -> list[Number]:
    rate = copies.copied
    if rate is None:
        return []
    return [
        Number(
            "synthetic images that are flagged as copies",
            rate.share,
            rate.low,
            rate.high,
            0.95,
            rate.n,
            "synthetic images",
            percent(rate.share),
            f"95 % interval {percent(rate.low)} to {percent(rate.high)}, {rate.hits} of "
            f"{n_is(rate.n)}",
        )
    ]


def _power_of_search(copies: AuditMemorisation) -> list[str]:
    if not copies.detectors or not copies.detectors[-1].power:
        return []
    union = copies.detectors[-1]
    weakest = min(union.power, key=lambda how: union.power[how].share)
    least, planted = union.power[weakest].share, union.power[weakest].n
    kinds = f"Of {len(union.power)} kinds of planted copies"
    unseen = "" if union.held_out is None else f", of held-out ones {percent(union.held_out.share)}"
    return [
        f"Of different fit images, which are no copies, {percent(union.false_alarms.share)} are "
        f"flagged too{unseen}.",
        f"{kinds}, all {planted} of each are found."
        if least == 1
        else f"{kinds} at least {percent(least, 0)} of {planted} are found ({weakest} the least).",
        *_holes(copies, weakest),
    ]


def _holes(copies: AuditMemorisation, named: str) -> list[str]:
    """The kinds of copies that are missed too often, but for one, each with its rate."""
    power = copies.detectors[-1].power
    missed = [f"{how} {percent(power[how].share, 0)}" for how in copies.holes if how != named]
    return [f"Holes too: {', '.join(missed)}."] if missed else []


def _attacked(attack: Attack) -> Number:
    area = attack.area
    return Number(
        f"AUROC of the attack by {attack.name}; chance: 0.5",
        area.value,
        area.low,
        area.high,
        area.level,
        sum(area.num_groups),
        "groups of images",
        f"{area.value:.2f}",
        f"{percent(area.level, 0)} interval {area.low:.2f} to {area.high:.2f}, "
        f"{n_is(sum(area.num_groups))} groups of images",
    )
