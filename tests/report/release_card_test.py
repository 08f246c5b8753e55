import dataclasses

import pytest

from synthmed_jax import verdicts
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.formats import NBSP
from synthmed_jax.report.release_card import release_card
from synthmed_jax.results.membership import IMAGES_AND_WEIGHTS, IMAGES_ONLY, Attack, Membership
from synthmed_jax.results.memorisation import UNION, AuditMemorisation, Detector, Rate
from synthmed_jax.results.release import Release
from synthmed_jax.statistics.roc import AreaEstimate

RATE = Rate(5, 400, 0.0125, 0.004, 0.029)
POWER = {"unchanged": Rate(50, 50, 1.0, 0.93, 1.0), "turned": Rate(41, 50, 0.82, 0.69, 0.91)}


def attack(name, attacker, value):
    area = AreaEstimate(value, value - 0.05, value + 0.05, 0.95, 0.02, (70, 60), 0.58)
    return Attack(name, attacker, area, (), 0.1, 0.2, "")


MEMBERSHIP = Membership(
    seed=0,
    limit=100,
    num_members={"a": 70},
    num_fit={"a": 70},
    num_linked=0,
    draws=4,
    why="",
    attacks=(attack("nearness", IMAGES_ONLY, 0.51), attack("loss", IMAGES_AND_WEIGHTS, 0.66)),
    levels=(),
    blind=(),
    bits={},
)


def audited(contents, of_images, of_weights):
    judged = tuple(
        Release(released, verdict, {}, ("Because.",), ("fewer steps",), ("other seeds",))
        for released, verdict in ((IMAGES_ONLY, of_images), (IMAGES_AND_WEIGHTS, of_weights))
    )
    found = AuditMemorisation(
        verdict="",
        why="",
        seed=0,
        flips="none",
        num_synthetic=400,
        num_fit=300,
        num_left_out=0,
        detectors=(Detector(UNION, {}, RATE, POWER),),
        copied=RATE,
        copied_strictly=None,
        excess=None,
        p_excess=None,
        p=0.4,
        fit_copied=None,
        classes={},
        holes=("turned",),
        closest=(),
        release=judged,
    )
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
        "Of 2 kinds of planted copies at least 82 % are found (turned the least). "
        "An AUROC of 0.58 by nearness would be found in 80 % of such sets."
    )
    assert made.would_change == ("fewer steps",)
    assert made.details[1] == "The images alone, not covered: other seeds."


def test_without_an_audit_the_card_is_missing_and_says_what_the_distances_say(contents):
    made = card(contents)
    assert "The stage audit has not run" in made.missing
    assert made.findings[0].tone == "missing"
    assert "wholesale copying" in made.details[0]
