import dataclasses

import pytest

from synthmed_jax import verdicts
from synthmed_jax.results.evaluation import DeclaredDifference
from synthmed_jax.results.floors import Floor
from synthmed_jax.results.split import PartCounts
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Estimate
from synthmed_jax.statistics.roc import AreaEstimate
from synthmed_jax.verdicts import (
    Answer,
    Caveat,
    Control,
    Copies,
    Copying,
    Difference,
    Direction,
    Membership,
    Release,
    Shortcut,
    Validation,
)
from tests.cells import cell


@pytest.mark.parametrize(
    ("low", "fewest", "blind", "verdict"),
    [
        (0.51, 50, (0.45, 0.6), Membership.SUCCEEDS),
        (0.5, 50, (0.45, 0.6), Membership.NOT_FOUND),
        (0.51, 50, (0.51, 0.6), Membership.SPLIT_TELLS),
        (0.6, 50, (0.51, 0.6), Membership.SPLIT_TELLS),
        (0.61, 50, (0.51, 0.6), Membership.SUCCEEDS),  # more than the split explains
        (0.51, 50, (0.3, 0.4), Membership.SUCCEEDS),  # it would explain an area below 0.5
        (0.5, 50, (0.51, 0.6), Membership.NOT_FOUND),
        (0.9, 49, (0.45, 0.6), Membership.TOO_FEW),
        (None, 500, (0.45, 0.6), Membership.TOO_FEW),
    ],
)
def test_an_attack_is_judged_by_the_interval_of_its_area(low, fewest, blind, verdict):
    areas = [AreaEstimate(0.5, *each, 0.95, 0.1, (50, 50), 0.6) for each in ((0.4, 0.55), blind)]
    assert verdicts.judge_membership(low, fewest, areas) is verdict


@pytest.mark.parametrize(
    ("copies", "attacks", "verdict"),
    [
        (Copies.FOUND, ("attack succeeds",), Release.COPIES_FOUND),
        (Copies.FOUND, (), Release.COPIES_FOUND),
        (Copies.NOT_FOUND, (Membership.NOT_FOUND, Membership.SUCCEEDS), Release.ATTACK_SUCCEEDS),
        (Copies.NOTHING_CONCLUDED, (Membership.SUCCEEDS,), Release.ATTACK_SUCCEEDS),
        (Copies.NOT_FOUND, (Membership.NOT_FOUND,) * 2, Release.NOT_FOUND),
        # Silence is no answer.
        (Copies.NOT_FOUND, (), Release.NOTHING_CONCLUDED),
        (Copies.NOT_FOUND, (Membership.NOT_FOUND, Membership.TOO_FEW), Release.NOTHING_CONCLUDED),
        (Copies.NOT_FOUND, (Membership.SPLIT_TELLS,), Release.NOTHING_CONCLUDED),
        (Copies.NOTHING_CONCLUDED, (Membership.NOT_FOUND,), Release.NOTHING_CONCLUDED),
    ],
)
def test_a_release_is_judged_by_what_was_found_and_silence_by_every_answer(
    copies, attacks, verdict
):
    assert verdicts.judge_release(copies, [Membership(each) for each in attacks]) is verdict


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (None, Copying.NOT_MEASURED),
        (0.0, Copying.NEARER),
        (0.7999, Copying.NEARER),
        (0.8, Copying.ALIKE),
        (1.25, Copying.ALIKE),
        (1.2501, Copying.FARTHER),
    ],
)
def test_copying_is_judged_by_the_ratio_of_distances(ratio, verdict):
    assert verdicts.judge_copying(ratio) is verdict


def compared(low, high, margin=0.02, p_adjusted=0.01):
    found = GroupEstimate((low + high) / 2, low, high, 0.95, 0.01, 60, 0.028)
    pair = (cell().cell, cell(arm="real", n=None, ratio=0.0).cell)
    return DeclaredDifference(*pair, found, "group", 0.5, None, "D1", -margin, 0.01, p_adjusted)


@pytest.mark.parametrize(
    ("low", "high", "direction", "difference", "answer"),
    [
        (-0.05, -0.03, Direction.LOWER, Difference.COSTS, Answer.REFUTED),
        (-0.03, -0.01, Direction.LOWER, Difference.COSTS, Answer.NOT_SHOWN),
        (-0.019, -0.01, Direction.LOWER, Difference.COSTS, Answer.SHOWN),
        (0.001, 0.03, Direction.HIGHER, Difference.GAINS, Answer.SHOWN),
        (-0.05, 0.01, Direction.LOWER, Difference.UNDECIDED, Answer.NOT_SHOWN),
        (-0.01, 0.05, Direction.HIGHER, Difference.UNDECIDED, Answer.SHOWN),
        (-0.015, 0.015, Direction.EQUAL, Difference.UNDECIDED, Answer.SHOWN),
        # An end that just touches decides nothing.
        (-0.02, 0.0, Direction.LOWER, Difference.UNDECIDED, Answer.NOT_SHOWN),
        (0.0, 0.02, Direction.HIGHER, Difference.UNDECIDED, Answer.SHOWN),
    ],
)
def test_arms_are_judged_by_the_interval_of_their_difference(
    low, high, direction, difference, answer
):
    verdict = verdicts.judge_arms(cell(), cell(arm="real"), compared(low, high))
    assert (verdict.direction, verdict.difference) == (direction, difference)
    assert verdict.answer is answer


def test_the_margin_is_the_one_that_was_declared():
    verdict = verdicts.judge_arms(cell(), cell(arm="real"), compared(-0.04, 0.0, margin=0.05))
    assert verdict.answer is Answer.SHOWN


def test_two_tests_keep_the_rate_of_one():
    shown = compared(-0.01, 0.01)
    assert verdicts.judge_estimand(shown) is Answer.SHOWN
    adjusted = dataclasses.replace(shown, p_adjusted=0.05)
    assert verdicts.judge_estimand(adjusted) is Answer.NOT_SHOWN


@pytest.mark.parametrize(
    ("mean", "half", "control"),
    [(0.27, 0.04, Control.AT_CHANCE), (0.32, 0.05, Control.ABOVE), (0.19, 0.05, Control.BELOW)],
)
def test_a_control_is_judged_by_the_interval_over_its_trainings(mean, half, control):
    balanced = Estimate(3, mean, half / 2.5, mean - half, mean + half)
    assert verdicts.judge_control(balanced, 4) is control
    single = Estimate(1, mean, None, None, None)
    assert verdicts.judge_control(single, 4) is Control.TOO_FEW


def test_without_a_paired_difference_nothing_is_judged_but_the_direction():
    real = cell(arm="real")
    mean = dataclasses.replace(real.mean, balanced_accuracy=0.9)
    verdict = verdicts.judge_arms(cell(), dataclasses.replace(real, mean=mean), None)
    assert verdict.direction is Direction.LOWER
    assert verdict.difference is Difference.NOT_MEASURED
    assert verdict.answer is Answer.NOT_MEASURED


def floor(features, arm, low, high):
    estimate = GroupEstimate((low + high) / 2, low, high, 0.95, 0.01, 60, 0.028)
    return Floor(features, arm, 100, 0.7, 0.7, estimate)


def test_a_floor_is_beaten_by_an_interval_above_zero():
    beaten = floor("pixels", "real", 0.001, 0.02)
    near, far = floor("ring", "real", -0.01, 0.03), floor("histogram", "real", -0.05, 0.02)
    unmeasured = dataclasses.replace(far, network_ahead=None)
    other = floor("thumbnail", "synthetic", -0.9, -0.8)
    assert verdicts.unbeaten_floor([beaten, unmeasured, other], "real") is None
    assert verdicts.unbeaten_floor([beaten, near, far, other], "real") is far
    assert verdicts.unbeaten_floor([floor("ring", "real", 0.0, 0.02)], "real") is not None


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ([(0.001, 0.02), (0.1, 0.2)], "better than every floor"),
        ([(0.0, 0.02), (0.1, 0.2)], "not shown to be better"),
        ([(-0.2, -0.001), (0.1, 0.2)], "worse than a floor"),
        ([], "not measured"),
    ],
)
def test_a_network_is_judged_by_all_floors_of_its_arm(ends, verdict):
    floors = [floor("pixels", "real", low, high) for low, high in ends]
    other = floor("pixels", "synthetic", -0.9, -0.8)
    assert verdicts.judge_floors([*floors, other], "real") == verdict


@pytest.mark.parametrize(
    ("val", "verdict"),
    [(0.81, Validation.OPTIMISTIC), (0.8, Validation.PESSIMISTIC), (0.79, Validation.PESSIMISTIC)],
)
def test_validation_is_held_against_the_test(val, verdict):
    scored = cell(test=0.8)
    mean = dataclasses.replace(scored.mean, val_accuracy=val)
    assert verdicts.judge_validation(dataclasses.replace(scored, mean=mean)) is verdict


def test_a_class_is_small_under_fifty_fit_images():
    counts = {str(fit): PartCounts(400, fit, 10, 390 - fit) for fit in (49, 50, 51, 0)}
    assert verdicts.small_classes(counts) == {"49": 49, "0": 0}


def caveats(
    fit=50,
    val=10,
    *,
    grouped=True,
    by_likeness=False,
    near_unsearched=False,
    num_unreadable=0,
    num_known=0,
    tested=False,
    of_folds=False,
    is_trial=False,
):
    return verdicts.caveats(
        {"sick": PartCounts(200, 60, 0, 140), "well": PartCounts(200, fit, val, 100)},
        grouped=grouped,
        by_likeness=by_likeness,
        near_unsearched=near_unsearched,
        num_unreadable=num_unreadable,
        num_known=num_known,
        tested=tested,
        of_folds=of_folds,
        is_trial=is_trial,
    )


def test_each_caveat_has_its_reason():
    assert caveats() == (Caveat.RESEARCH_SOFTWARE,)
    assert caveats(fit=49)[0] is Caveat.SMALL_CLASSES
    assert caveats(grouped=False)[0] is Caveat.SPLIT_BY_IMAGE
    for grouped in (True, False):  # groups of one image each keep nothing together
        alike = caveats(grouped=grouped, by_likeness=True)
        assert alike == (Caveat.SPLIT_BY_LIKENESS, Caveat.RESEARCH_SOFTWARE)
    assert caveats(val=0)[0] is Caveat.NO_VAL_IMAGES
    assert caveats(near_unsearched=True)[0] is Caveat.NEAR_UNSEARCHED
    assert caveats(num_known=1)[0] is Caveat.KNOWN_IMAGES
    assert caveats(num_unreadable=1)[0] is Caveat.UNREADABLE_FILES
    assert caveats(tested=True)[0] is Caveat.ONE_GENERATOR
    assert caveats(tested=True, of_folds=True)[0] is Caveat.FOLDS
    assert caveats(of_folds=True) == (Caveat.RESEARCH_SOFTWARE,)
    assert caveats(is_trial=True)[0] is Caveat.TRIAL
    all_reasons = {"num_unreadable": 2, "num_known": 1, "tested": True, "of_folds": True}
    every = caveats(49, 0, grouped=False, near_unsearched=True, is_trial=True, **all_reasons)
    assert every == tuple(each for each in Caveat if each is not Caveat.SPLIT_BY_LIKENESS)


@pytest.mark.parametrize(
    ("share", "alarm"),
    [
        (None, False),
        (Estimate(1, 3.0, None, None, None), False),
        (Estimate(9, 3.0, 1.0, 1.0, 5.0), False),
        (Estimate(9, 3.0, 1.0, 1.0001, 5.0), True),
    ],
)
def test_a_shortcut_is_surely_above_the_share_of_the_area(share, alarm):
    assert verdicts.is_shortcut(share) is alarm


def gain(low, high):
    return GroupEstimate((low + high) / 2, low, high, 0.99, 0.01, 60, 0.028)


SURE, CHANCE = Estimate(9, 3.0, 1.0, 2.0, 5.0), Estimate(9, 1.1, 1.0, 0.9, 1.3)


@pytest.mark.parametrize(
    ("floors", "loss", "importance", "verdict"),
    [
        ([gain(-0.01, 0.02)], gain(-0.01, 0.02), CHANCE, Shortcut.NONE_VISIBLE),
        # Importance alone is no shortcut where there is nothing to be learned.
        ([gain(-0.01, 0.02)], gain(-0.01, 0.02), SURE, Shortcut.NONE_VISIBLE),
        ([gain(-0.01, 0.02), gain(0.001, 0.2)], gain(-0.01, 0.02), CHANCE, Shortcut.POSSIBLE),
        ([gain(0.001, 0.2)], None, None, Shortcut.POSSIBLE),
        ([gain(0.001, 0.2)], gain(0.01, 0.2), CHANCE, Shortcut.POSSIBLE),
        ([gain(0.001, 0.2)], gain(0.0101, 0.2), CHANCE, Shortcut.USED),
        ([gain(0.001, 0.2)], gain(-0.01, 0.02), SURE, Shortcut.USED),
        ([gain(-0.01, 0.02)], gain(0.02, 0.2), None, Shortcut.USED),
        ([], gain(-0.01, 0.02), SURE, Shortcut.NOT_MEASURED),
        ([], gain(0.02, 0.2), SURE, Shortcut.USED),
    ],
)
def test_a_shortcut_needs_information_and_its_use(floors, loss, importance, verdict):
    assert verdicts.judge_shortcut(floors, loss, importance) is verdict


def test_the_gravest_verdict_is_that_of_the_image():
    found = [Shortcut.POSSIBLE, Shortcut.NONE_VISIBLE, Shortcut.NOT_MEASURED]
    assert verdicts.gravest(found) is Shortcut.POSSIBLE
    assert verdicts.gravest([*found, Shortcut.USED]) is Shortcut.USED
    assert verdicts.gravest(found[1:]) is Shortcut.NONE_VISIBLE
    assert verdicts.gravest([]) is Shortcut.NOT_MEASURED


@pytest.mark.parametrize(("q", "found"), [(0.0499, True), (0.05, False), (0.0501, False)])
def test_a_difference_is_found_below_five_per_cent(q, found):
    assert verdicts.differs(q) is found
