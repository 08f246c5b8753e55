"""The verdict on releases from what the search and the attacks say; fabricated results."""

import dataclasses

import pytest

from synthmed_jax.audit import release, release_text
from synthmed_jax.results.membership import (
    FILTERED_ONLY,
    IMAGES_AND_WEIGHTS,
    IMAGES_ONLY,
    LOSS,
    NEARNESS,
    NEARNESS_OF_FILTERED,
)
from synthmed_jax.results.memorisation import UNION, AuditMemorisation, Detector, Rate
from synthmed_jax.results.release import COPIES
from synthmed_jax.verdicts import Copies, Release
from synthmed_jax.verdicts import Membership as Attacked
from tests.audit import membership_text_test


def rate(hits, n):
    return Rate(hits, n, hits / n, 0.0, 1.0)


POWER = {"unchanged": rate(200, 200), "turned by 5 degrees": rate(150, 200)}
NOTHING_COPIED = AuditMemorisation(
    verdict=Copies.NOT_FOUND,
    why="",
    seed=0,
    flips="none",
    num_synthetic=400,
    num_fit=300,
    num_left_out=0,
    detectors=(Detector(UNION, {}, rate(3, 300), POWER),),
    copied=rate(5, 400),
    copied_strictly=rate(0, 400),
    excess=0.0025,
    p_excess=0.4,
    p=0.9,
    fit_copied=rate(4, 300),
    classes={},
    holes=("turned by 5 degrees",),
    closest=(),
)
COPIED = dataclasses.replace(NOTHING_COPIED, verdict=Copies.FOUND, copied=rate(80, 400), p=1e-9)
FEW = dataclasses.replace(
    NOTHING_COPIED, verdict=Copies.NOTHING_CONCLUDED, why="a has 30", copied=None, p=None
)


def attacks(loss=Attacked.NOT_FOUND, nearness=Attacked.NOT_FOUND, **changes):
    """Attacks that come out so; as many members in each class as fit images."""
    found = membership_text_test.found(loss, **changes)
    of_loss, of_nearness = found.attacks
    return dataclasses.replace(
        found, attacks=(of_loss, dataclasses.replace(of_nearness, verdict=nearness.value))
    )


@pytest.mark.parametrize(
    ("copies", "membership", "images", "weights"),
    [
        (NOTHING_COPIED, attacks(), Release.NOT_FOUND, Release.NOT_FOUND),
        (COPIED, attacks(Attacked.SUCCEEDS), Release.COPIES_FOUND, Release.COPIES_FOUND),
        (NOTHING_COPIED, attacks(Attacked.SUCCEEDS), Release.NOT_FOUND, Release.ATTACK_SUCCEEDS),
        (
            NOTHING_COPIED,
            attacks(nearness=Attacked.SUCCEEDS),
            Release.ATTACK_SUCCEEDS,
            Release.ATTACK_SUCCEEDS,
        ),
        (
            FEW,
            attacks(Attacked.TOO_FEW, Attacked.TOO_FEW),
            Release.NOTHING_CONCLUDED,
            Release.NOTHING_CONCLUDED,
        ),
    ],
)
def test_the_weights_are_judged_by_what_their_holder_can_try(copies, membership, images, weights):
    of_images, of_weights = release.judge(copies, membership)
    assert (of_images.released, of_images.verdict) == (IMAGES_ONLY, images)
    assert (of_weights.released, of_weights.verdict) == (IMAGES_AND_WEIGHTS, weights)
    assert set(of_images.answers) == {COPIES, NEARNESS}
    assert set(of_weights.answers) == {COPIES, NEARNESS, LOSS}
    for each in (of_images, of_weights):
        assert each.would_change
        assert each.not_covered


def test_nothing_found_is_said_with_its_holes_and_its_power():
    copies, nearness = release.judge(NOTHING_COPIED, attacks())[0].because
    assert copies.startswith("5 of 400 (1.2%) of the synthetic images are flagged as copies, and 3")
    assert "has holes" in copies
    assert "turned by 5 degrees: 75%; 2 kinds were planted" in copies
    assert "AUROC 0.51 (0.47 to 0.55; chance: 0.5)" in nearness
    assert "0.56 would have been found in 80 % of such sets" in nearness
    *others, union = NOTHING_COPIED.detectors
    told = dataclasses.replace(union, held_out=Rate(2, 90, 0.02, 0.0, 0.1))
    seen = dataclasses.replace(NOTHING_COPIED, detectors=(*others, told))
    assert "taken from, and 2 of 90 held-out ones (p of" in release.copies_sentence(seen)
    whole = dataclasses.replace(NOTHING_COPIED, holes=())
    assert "Of each of 2 kinds" in release.judge(whole, attacks())[0].because[0]


def test_what_would_change_an_attack_on_the_weights_is_not_to_release_them():
    without = "Releasing the images without the weights."
    assert without in release.judge(NOTHING_COPIED, attacks(Attacked.SUCCEEDS))[1].would_change
    # It would not, where the images alone give members away.
    both = attacks(Attacked.SUCCEEDS, Attacked.SUCCEEDS)
    assert without not in release.judge(NOTHING_COPIED, both)[1].would_change


def test_without_attacks_nothing_is_concluded_and_the_reason_is_given():
    membership = dataclasses.replace(membership_text_test.found(), attacks=(), why="9 members")
    for each in release.judge(NOTHING_COPIED, membership):
        assert each.verdict == Release.NOTHING_CONCLUDED
        assert "No attack on membership was tried: 9 members." in each.because
    assert "Nothing is concluded about copies: a has 30." in (
        release.judge(FEW, membership)[0].because
    )


def test_the_section_has_the_threats_each_verdict_and_the_rules(tmp_path):
    judged = release.judge(NOTHING_COPIED, attacks(Attacked.SUCCEEDS))
    found = dataclasses.replace(NOTHING_COPIED, release=judged)
    section = release_text.to_section(found)
    threats, images, weights, rules = section.paragraphs
    assert "given the synthetic images alone" in threats
    assert images.startswith("The images alone: nothing found at this power. 5 of 400")
    assert weights.startswith("Images and weights: attack succeeds. ")
    assert "Not covered: copies of a part of an image" in images
    assert rules.endswith("No verdict says that a release is safe.")
    rows = {row.name: row.values for row in section.tables[0].rows}
    assert section.tables[0].columns == ("verdict", COPIES, NEARNESS, LOSS)
    assert rows[IMAGES_ONLY][-1] == "not possible"
    assert rows[IMAGES_AND_WEIGHTS][-1] == Attacked.SUCCEEDS
    found.write(tmp_path / "memorisation.json")
    assert AuditMemorisation.read(tmp_path / "memorisation.json") == found


def with_filtered(verdict, nearness=Attacked.NOT_FOUND):
    """Attacks, one on filtered images among them."""
    found = attacks(nearness=nearness)
    added = dataclasses.replace(
        found.attacks[1],
        name=NEARNESS_OF_FILTERED,
        attacker=FILTERED_ONLY,
        verdict=verdict.value,
    )
    return dataclasses.replace(found, attacks=(*found.attacks, added))


@pytest.mark.parametrize(
    ("copies", "attacked", "verdict"),
    [
        (NOTHING_COPIED, Attacked.NOT_FOUND, Release.NOT_FOUND),
        (NOTHING_COPIED, Attacked.SUCCEEDS, Release.ATTACK_SUCCEEDS),
        # The search flags nothing that its own filter left: that proves nothing.
        (COPIED, Attacked.NOT_FOUND, Release.NOTHING_CONCLUDED),
        (COPIED, Attacked.SUCCEEDS, Release.ATTACK_SUCCEEDS),
        (FEW, Attacked.NOT_FOUND, Release.NOTHING_CONCLUDED),
    ],
)
def test_a_filter_does_not_acquit_a_generator_that_copies(copies, attacked, verdict):
    judged = release.judge(copies, with_filtered(attacked, Attacked.SUCCEEDS))
    unfiltered, _, filtered = judged
    assert (filtered.released, filtered.verdict) == (FILTERED_ONLY, verdict)
    assert set(filtered.answers) == {COPIES, NEARNESS_OF_FILTERED}
    # What is said of the unfiltered images does not heed the filter.
    assert unfiltered == release.judge(copies, attacks(nearness=Attacked.SUCCEEDS))[0]
    section = release_text.to_section(dataclasses.replace(copies, release=judged))
    assert f"The filtered images alone: {verdict}." in section.paragraphs[3]


def test_a_filter_by_class_alone_leaves_copies_in():
    attacked = with_filtered(Attacked.NOT_FOUND)
    filtered = release.judge(COPIED, attacked, without_copies=False)[2]
    assert (filtered.released, filtered.verdict) == (FILTERED_ONLY, Release.COPIES_FOUND)
    assert "were left out" not in filtered.because[0]


def test_without_a_filter_nothing_is_said_of_filtered_images():
    assert [each.released for each in release.judge(COPIED, attacks())] == [
        IMAGES_ONLY,
        IMAGES_AND_WEIGHTS,
    ]


def test_not_all_copies_are_never_called_all():
    nearly = Detector(UNION, {}, rate(3, 300), {"unchanged": rate(799, 800)})
    found = dataclasses.replace(NOTHING_COPIED, detectors=(nearly,), holes=())
    assert "at least 99% are found" in release.copies_sentence(found)
