import dataclasses

import pytest

from synthmed_jax import verdicts
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.formats import NBSP
from synthmed_jax.report.release_card import release_card
from synthmed_jax.results.memorisation import Rate
from tests.report.audited import MEMBERSHIP, memorisation


def audited(contents, of_images, of_weights):
    found = memorisation(of_images, of_weights)
    return dataclasses.replace(contents, memorisation=found, membership=MEMBERSHIP)


def card(contents):
    return release_card(contents, conclude(contents))


@pytest.mark.parametrize(
    ("verdict", "words", "tone"),
    [
        ("copies found", "Copies found", "no"),
        ("attack succeeds", "An attack succeeds", "no"),
        ("nothing found at this power", "Nothing found at this power", "open"),
        ("nothing concluded", "Nothing concluded", "open"),
    ],
)
def test_each_verdict_on_a_release_has_its_words(contents, verdict, words, tone):
    images, weights = card(audited(contents, verdict, "nothing concluded")).findings
    assert (images.about, weights.about) == ("The images alone", "Images and weights")
    assert (images.verdict, images.words, images.tone) == (verdict, words, tone)


def test_a_verdict_stands_beside_its_numbers_and_its_power(contents):
    quiet = verdicts.Release.NOT_FOUND.value
    made = card(audited(contents, quiet, quiet))
    images, weights = made.findings
    copies, nearness = images.numbers
    assert (copies.value, copies.low, copies.high, copies.n) == (0.0125, 0.004, 0.029, 400)
    assert (nearness.value, weights.numbers[0].value) == (0.51, 0.66)
    assert weights.numbers[0].detail.replace(NBSP, " ") == (
        "95 % interval 0.61 to 0.71, n = 130 groups of images"
    )
    assert images.power.replace(NBSP, " ") == (
        "Of different fit images, which are no copies, 1.2 % are flagged too. "
        "Of 2 kinds of planted copies at least 82 % of 50 are found (turned the least). "
        "An AUROC of 0.58 by nearness would be found in 80 % of such sets."
    )
    assert made.would_change == ("fewer steps",)
    assert made.details[1] == "The images alone, not covered: other seeds."


def test_held_out_images_that_are_flagged_are_told(contents):
    quiet = verdicts.Release.NOT_FOUND.value
    made = audited(contents, quiet, quiet)
    union = dataclasses.replace(made.memorisation.detectors[-1], held_out=Rate(1, 200, 0.005, 0, 1))
    found = dataclasses.replace(made.memorisation, detectors=(union,))
    images, _ = card(dataclasses.replace(made, memorisation=found)).findings
    power = images.power.replace(NBSP, " ")
    assert "no copies, 1.2 % are flagged too, of held-out ones 0.5 %. Of 2 kinds" in power


def test_a_search_that_found_all_planted_copies_is_said_to_have(contents):
    quiet = verdicts.Release.NOT_FOUND.value
    made = audited(contents, quiet, quiet)
    *others, union = made.memorisation.detectors
    whole = {how: dataclasses.replace(rate, share=1.0) for how, rate in union.power.items()}
    union = dataclasses.replace(union, power=whole)
    found = dataclasses.replace(made.memorisation, detectors=(*others, union), holes=())
    images, _ = card(dataclasses.replace(made, memorisation=found)).findings
    power = images.power.replace(NBSP, " ")
    assert "Of 2 kinds of planted copies, all 50 of each are found. An AUROC" in power


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("too few images", "A class has 7 images on either side, and 50 are needed."),
        (
            "the split itself tells",
            "The split itself tells the sets apart, so that attacks say nothing.",
        ),
    ],
)
def test_an_attack_that_can_find_nothing_has_no_power(contents, verdict, said):
    quiet = verdicts.Release.NOTHING_CONCLUDED.value
    made = audited(contents, quiet, quiet)
    attacks = tuple(
        dataclasses.replace(each, verdict=verdicts.Membership(verdict).value, fewest=7)
        for each in made.membership.attacks
    )
    membership = dataclasses.replace(made.membership, attacks=attacks)
    for finding in card(dataclasses.replace(made, membership=membership)).findings:
        assert said in finding.power
        assert "would be found" not in finding.power


@pytest.mark.parametrize(
    ("verdict", "first"), [("copies found", 0.0125), ("attack succeeds", 0.51)]
)
def test_the_number_that_decides_comes_first(contents, verdict, first):
    images, _ = card(audited(contents, verdict, verdict)).findings
    assert images.numbers[0].value == first
    assert len(images.numbers) == 2


def test_a_verdict_that_rests_on_the_other_attack_shows_it_first(contents):
    found = memorisation("attack succeeds", "attack succeeds")
    images, weights = found.release
    weights = dataclasses.replace(
        weights, answers={"nearness": "attack succeeds", "loss": "nothing found at this power"}
    )
    found = dataclasses.replace(found, release=(images, weights))
    made = card(dataclasses.replace(contents, memorisation=found, membership=MEMBERSHIP))
    assert [number.value for number in made.findings[1].numbers] == [0.51, 0.66]


def test_without_an_audit_the_card_is_missing_and_says_what_the_distances_say(contents):
    made = card(contents)
    assert "The stage audit has not run" in made.missing
    assert made.findings[0].tone == "missing"
    assert "wholesale copying" in made.details[0]


def test_every_kind_that_is_missed_too_often_is_named_with_its_rate(contents):
    quiet = verdicts.Release.NOT_FOUND.value
    made = audited(contents, quiet, quiet)
    *others, union = made.memorisation.detectors
    missed = {"least": 0.3, "blur": 0.55, "zoom": 0.9}
    one = next(iter(union.power.values()))
    power = {how: dataclasses.replace(one, share=share) for how, share in missed.items()}
    union = dataclasses.replace(union, power=power | {"unchanged": one})
    found = dataclasses.replace(made.memorisation, detectors=(*others, union), holes=tuple(missed))
    images, _ = card(dataclasses.replace(made, memorisation=found)).findings
    told = images.power.replace(NBSP, " ")
    assert "(least the least). Holes too: blur 55 %, zoom 90 %. An AUROC" in told
