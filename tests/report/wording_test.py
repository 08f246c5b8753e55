import dataclasses

import pytest

from synthmed_jax import verdicts
from synthmed_jax.report import caveats, wording
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import (
    AddingConclusion,
    ControlConclusion,
    MeasuredCell,
    conclude,
)
from synthmed_jax.report.formats import NBSP, n_is, percent
from synthmed_jax.results.leakage import Alike, ClassCopies, ClassLinks, Leakage
from synthmed_jax.results.membership import IMAGES_AND_WEIGHTS, IMAGES_ONLY
from synthmed_jax.results.release import Release
from synthmed_jax.statistics.intervals import Estimate, Interval
from tests.report.conftest import MEMORISATION

INTERVAL = Interval(0.8, 0.9, 0.95, "made up")


def cards(contents, conclusions=None):
    """Card -> its sentences, what is missing first."""
    conclusions = conclusions or conclude(contents)
    made = make_answer(contents, conclusions)
    return {
        card.name: [
            text.replace(NBSP, " ") for text in (*filter(None, [card.missing]), *card.details)
        ]
        for card in made.cards
    }


def answer(contents):
    return [text for sentences in cards(contents).values() for text in sentences]


def limits(contents):
    return caveats.sentences(contents, conclude(contents))


def copying(contents, **fields):
    fidelity = dataclasses.replace(contents.fidelity, **fields)
    conclusions = conclude(dataclasses.replace(contents, fidelity=fidelity))
    return wording.copying(conclusions.copying, fidelity)


@pytest.mark.parametrize(
    ("sentences", "kind"),
    [
        (wording.DIRECTIONS, verdicts.Direction),
        (wording.DIFFERENCES, verdicts.Difference),
        (wording.REPLACED, verdicts.Answer),
        (wording.ADDED, verdicts.Answer),
        (wording.CONTROLS, verdicts.Control),
        (wording.VALIDATIONS, verdicts.Validation),
        (wording.COPYING, verdicts.Copying),
        (caveats.SENTENCES, verdicts.Caveat),
    ],
)
def test_every_verdict_has_its_words(sentences, kind):
    assert set(sentences) == set(kind)


@pytest.mark.parametrize(
    ("ratio", "reading"),
    [(0.4, "repeats what it was shown"), (1.0, "no sign of wholesale"), (2.0, "farther from")],
)
def test_the_distance_is_read_both_ways(contents, ratio, reading):
    text = copying(contents, ratio=ratio)
    assert f"{ratio:.2f} times that of {n_is(12)} real validation images: they lie" in text
    assert f"median distance of {n_is(21)} synthetic images" in text
    assert reading in text
    assert text.endswith("That is no proof that none of them is a copy.")


def test_without_val_images_no_ratio_is_read(contents):
    text = copying(contents, ratio=None, median_val=None, num_val=0)
    assert "since the val part is empty" in text


def test_test_images_that_were_learned_are_said(contents):
    assert not any("equal a fit or val image" in text for text in limits(contents))
    classes = {"Benign": ClassCopies(3, 1, 2), "Early": ClassCopies(1, 0, 5)}
    known = dataclasses.replace(contents, leakage=Leakage(classes, num_val=4, num_held_out=60))
    assert any(text.startswith("7 of 60 test images equal a fit or val") for text in limits(known))
    assert "7 of them have a twin in fit or val. Guessing" in " ".join(answer(known))
    links = {"Benign": ClassLinks(9, 1, 5, 9), "Early": ClassLinks(1, 0, 2, 2)}
    near = {"Benign": ClassLinks(19, 1, 5, 19)}
    alike = Alike(links, near, 0.9, 9, {}, 3, 4, (), 0, ())
    seen = dataclasses.replace(known, leakage=dataclasses.replace(known.leakage, alike=alike))
    assert any(text.startswith("11 of 60 test images equal") for text in limits(seen))
    assert "11 of them have a twin in fit or val, 19 a twin or a near-duplicate. " in " ".join(
        answer(seen)
    )
    unsearched = dataclasses.replace(alike, unsearched="near-duplicates were not looked for")
    alone = dataclasses.replace(known.leakage, alike=unsearched)
    of_twins = dataclasses.replace(known, leakage=alone)
    assert "11 of them have a twin in fit or val. Guessing" in " ".join(answer(of_twins))
    assert any("were not looked for (split.look_for=twins" in text for text in limits(of_twins))


def test_what_was_not_counted_is_said_so(contents):
    text = " ".join(answer(dataclasses.replace(contents, leakage=None)))
    assert "whether some have a twin in fit or val was not counted" in text
    assert "ever saw" not in text


def test_the_paired_difference_and_the_margin_decide(contents):
    text = answer(dataclasses.replace(contents, floors=None))[0]
    assert text == (
        "Can synthetic images stand in for the real ones (D1)? No: they are worse by more than 2.0 "
        "percentage points. 86.9 % against 95.3 % right on real test images: averaged over the "
        "classes, training on synthetic images instead of real ones costs 15.5 percentage points "
        "(95 % interval \N{MINUS SIGN}18.6 to \N{MINUS SIGN}12.4 percentage points, of the paired "
        "difference, over n = 60 test images; p = 1.000, adjusted, for the claim that it "
        "lies above \N{MINUS SIGN}2.0). The choice of test images alone hardly explains that; "
        "training again, with other seeds, may give another difference. A true difference under "
        "4.3 percentage points would often have gone "
        "unnoticed."
    )


def with_difference(contents, mean, half, **fields):
    (difference,) = contents.evaluation.declared
    estimate = dataclasses.replace(
        difference.difference, estimate=mean, low=mean - half, high=mean + half
    )
    changed = dataclasses.replace(difference, difference=estimate, p_adjusted=0.01, **fields)
    evaluation = dataclasses.replace(contents.evaluation, declared=(changed,))
    return dataclasses.replace(contents, evaluation=evaluation)


@pytest.mark.parametrize(
    ("mean", "half", "words"),
    [
        (0.03, 0.01, ["gains 3.0", "hardly explains", "Shown, up to 2.0 percentage points."]),
        (0.0, 0.01, ["makes a difference of 0.0", "cannot tell", "Shown, up to"]),
        (-0.01, 0.02, ["costs 1.0", "cannot tell", "Not shown: they may be worse by more"]),
        # Surely worse, and surely not by much.
        (-0.01, 0.005, ["costs 1.0", "hardly explains", "Shown, up to"]),
    ],
)
def test_the_synthetic_arm_may_be_as_good_or_better(contents, mean, half, words):
    text = answer(with_difference(contents, mean, half))[0]
    assert [word for word in words if word not in text] == []


def test_the_units_of_the_interval_are_named(contents):
    grouped = with_difference(contents, 0.0, 0.01, unit="group")
    assert "over n = 60 groups of test images; p = 0.010, adjusted, for" in answer(grouped)[0]


def test_what_an_earlier_version_evaluated_has_no_interval(contents):
    evaluation = dataclasses.replace(contents.evaluation, declared=())
    old = dataclasses.replace(contents, evaluation=evaluation, floors=None)
    text, synthetic, *_ = answer(old)
    assert "costs 15.5 percentage points. Whether chance explains that was not measured" in text
    assert "shown" not in text
    assert synthetic.endswith("Guessing would be right on 33.3 %.")


def test_a_floor_that_is_not_worse_is_in_the_answer(contents):
    assert " 86.9 % against 95.3 %" in cards(contents)["D1"][0]
    (text,) = cards(contents)["floors"]
    assert text == (
        "A forest that sees the histogram of levels of each channel, trained in seconds on the "
        "same images, is right on 97.9 %; the resnet18 trained on the real fit images is not shown "
        "to be better than that (95.3 %)."
    )


def test_a_network_that_is_surely_behind_a_floor_is_worse(contents):
    (_, _, histogram, *_) = contents.floors.floors
    ahead = dataclasses.replace(histogram.network_ahead, low=-0.2, high=-0.1)
    floors = dataclasses.replace(
        contents.floors, floors=(dataclasses.replace(histogram, network_ahead=ahead),)
    )
    (text,) = cards(dataclasses.replace(contents, floors=floors))["floors"]
    assert text.endswith("trained on the real fit images is worse than that (95.3 %).")


def test_networks_that_do_not_beat_the_majority_are_said_so(contents):
    (majority, *_) = contents.floors.floors
    behind = dataclasses.replace(majority.network_ahead, low=-0.01)
    floors = dataclasses.replace(
        contents.floors, floors=(dataclasses.replace(majority, network_ahead=behind),)
    )
    (text,) = cards(dataclasses.replace(contents, floors=floors))["floors"]
    assert "Always answering the most frequent class is right on 40.1 %; the resnet18" in text


def test_what_is_added_has_its_sentence(contents):
    (first,) = contents.evaluation.declared
    mixed, augmented = (
        MeasuredCell(dataclasses.replace(cell, arm=arm), accuracy, INTERVAL)
        for cell, arm, accuracy in (
            (first.first, "mixed_1to1", 0.91),
            (first.second, "real_augmented", 0.9),
        )
    )
    found = dataclasses.replace(first.difference, estimate=0.011, low=0.002, high=0.02)
    compared = dataclasses.replace(first, estimand="D2", limit=0.0, difference=found)
    adding = AddingConclusion(verdicts.Answer.SHOWN, compared, mixed, augmented)
    conclusions = dataclasses.replace(conclude(contents), adding=adding)
    (text,) = cards(contents, conclusions)["D2"]
    assert text == (
        "Do synthetic images add to the real ones (D2)? Shown. 91.0 % trained on the real fit "
        "images and as many synthetic ones, against 90.0 % trained on the real fit images, "
        "augmented: averaged over the classes, +1.1 "
        "percentage points (95 % interval +0.2 to +2.0 percentage points, of the paired "
        "difference, over n = 60 test images; p = 1.000, adjusted, for the claim that it lies "
        "above 0). The choice of test images alone hardly explains that; training again, with "
        "other seeds, may give another difference. A true difference under 4.3 percentage points "
        "would often have gone unnoticed."
    )


def test_a_control_above_chance_is_an_alarm():
    balanced = Estimate(3, 0.5, 0.02, 0.45, 0.55)
    said = wording.control(ControlConclusion(verdicts.Control.ABOVE, balanced, 0.25))
    expected = (
        "balanced accuracy of 50.0 % (95 % interval over trainings, no narrower than over test "
        "images: 45.0 % to 55.0 %)"
    )
    assert expected in said.replace(NBSP, " ")
    assert "above chance. The labels reach the test in another way than by learning" in said


def with_real(contents, **fields):
    synthetic, other, real = contents.evaluation.cells
    cells = (synthetic, other, dataclasses.replace(real, **fields))
    evaluation = dataclasses.replace(contents.evaluation, cells=cells)
    return dataclasses.replace(contents, evaluation=evaluation)


def test_a_network_compared_with_itself_is_called_the_same(contents):
    _, synthetic, real = cards(contents)["D1"]
    assert synthetic.startswith(
        "A resnet18 that has seen only synthetic images (500 images per class) is right on 86.9 %"
    )
    assert "of n = 60 real test images" in synthetic
    assert synthetic.endswith(
        "Guessing would be right on 33.3 %, always answering the most frequent class on 40.1 %."
    )
    assert real.startswith(
        "The same network trained on the real fit images, which the generator learned from (n = "
        "12), is right on 95.3 %"
    )
    assert answer(with_real(contents, backbone="vgg19"))[2].startswith("A vgg19 trained on")


def test_a_missing_arm_is_said(contents):
    for arm, sentence in (
        ("synthetic", "No classifier was trained on synthetic images alone."),
        ("real", "No classifier was trained on the real images, so there is no comparison."),
    ):
        cells = tuple(cell for cell in contents.evaluation.cells if cell.arm != arm)
        evaluation = dataclasses.replace(contents.evaluation, cells=cells)
        missing, other = cards(dataclasses.replace(contents, evaluation=evaluation))["D1"]
        assert missing == sentence
        assert "is right on" in other


def test_without_an_evaluation_there_is_no_answer(contents):
    said = cards(dataclasses.replace(contents, evaluation=None, floors=None))
    assert said["D1"] == said["D2"] == [wording.not_run("evaluate", "no answer")]
    assert said["floors"] == [wording.not_run("evaluate", "no simple means beside the networks")]
    assert said["control"] == [wording.not_run("evaluate", "no control")]


def test_the_gap_that_the_choice_of_validation_makes_is_said(contents):
    text = wording.validation(conclude(contents).validation, contents.totals.val)
    # Means over three folds of what conftest.py gives each.
    assert f"score {percent(0.6)} on the real val images ({n_is(12)})" in text
    assert f"would choose, {percent(0.75)} (means of 3 folds)" in text
    assert "Validation was 10.1 percentage points too optimistic." in text
    assert f"on real test images it scores {percent(0.869)}" in text


def test_without_real_val_images_there_is_no_such_gap(contents):
    conclusion = dataclasses.replace(conclude(contents).validation, choices=None)
    text = wording.validation(conclusion, 0)
    assert "real val images" not in text
    assert text.endswith("too optimistic.")
    assert wording.validation(None, 0) is None


def test_the_verdict_on_releases_stands_at_the_top_instead_of_the_ratio(contents):
    copies = "5 of 400 are flagged."
    images = Release(IMAGES_ONLY, "nothing found at this power", {}, (copies,), (), ())
    weights = Release(
        IMAGES_AND_WEIGHTS, "attack succeeds", {}, (copies, "AUROC 0.65."), ("fewer steps",), ()
    )
    judged = dataclasses.replace(MEMORISATION, release=(images, weights))
    paragraphs = cards(dataclasses.replace(contents, memorisation=judged))["release"]
    assert paragraphs[0].startswith(
        "Is it safe to share? The images alone: nothing found at this power. Images and weights: "
        "attack succeeds. 5 of 400 are flagged. AUROC 0.65. No verdict says"
    )
    assert "wholesale copying" not in " ".join(paragraphs)
    without = dataclasses.replace(contents, memorisation=judged, evaluation=None)
    assert cards(without)["release"] == paragraphs
    # An audit of before it judged releases leaves the ratio where it was.
    unjudged = dataclasses.replace(contents, memorisation=MEMORISATION)
    missing, ratio = cards(unjudged)["release"]
    assert "judged no release" in missing
    assert ratio == cards(contents)["release"][1]
    assert "wholesale copying" in ratio
