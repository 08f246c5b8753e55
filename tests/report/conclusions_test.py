import dataclasses
import math

import pytest

from synthmed_jax import verdicts
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.results.stored import unstructure
from synthmed_jax.verdicts import (
    Answer,
    Caveat,
    Control,
    Copying,
    Difference,
    Direction,
    Validation,
)


@pytest.fixture(scope="module")
def conclusions(contents):
    return conclude(contents)


def test_the_arms_are_judged_with_what_was_compared(contents, conclusions):
    arms, (synthetic, _, real) = conclusions.arms, contents.evaluation.cells
    assert (arms.verdict, arms.direction) == (Difference.COSTS, Direction.LOWER)
    assert arms.answer is Answer.REFUTED
    assert arms.compared == contents.evaluation.declared[0]
    assert arms.balanced_gap == pytest.approx(0.155)
    assert arms.gap == pytest.approx(0.953 - 0.869)
    assert (arms.synthetic.cell, arms.real.cell) == (synthetic.cell, real.cell)
    assert (arms.synthetic.test_accuracy, arms.real.test_accuracy) == (0.869, 0.953)
    assert arms.synthetic.interval == synthetic.accuracy_interval
    assert arms.real.interval == real.accuracy_interval


def test_without_a_declared_difference_only_the_direction_is_known(contents):
    evaluation = dataclasses.replace(contents.evaluation, declared=())
    arms = conclude(dataclasses.replace(contents, evaluation=evaluation)).arms
    assert (arms.compared, arms.verdict) == (None, Difference.NOT_MEASURED)
    assert arms.balanced_gap == pytest.approx(0.955 - 0.8)


def with_arms(contents, *arms):
    """The contents with the second network's cell as of another arm each, and of little loss."""
    first, second, third = contents.evaluation.cells
    others = tuple(dataclasses.replace(third, arm=arm, ratio=ratio) for arm, ratio in arms)
    return dataclasses.replace(
        contents,
        evaluation=dataclasses.replace(contents.evaluation, cells=(first, second, third, *others)),
    )


def test_what_synthetic_images_add_is_judged_with_its_arms(contents):
    given = with_arms(contents, ("real_augmented", 0.0), ("mixed_1to1", 1.0))
    *_, augmented, mixed = given.evaluation.cells
    (first,) = given.evaluation.declared
    second = dataclasses.replace(
        first, first=mixed.cell, second=augmented.cell, estimand="D2", limit=0.0
    )
    evaluation = dataclasses.replace(given.evaluation, declared=(first, second))
    adding = conclude(dataclasses.replace(given, evaluation=evaluation)).adding
    assert (adding.answer, adding.compared) == (Answer.REFUTED, second)
    assert (adding.mixed.cell, adding.augmented.cell) == (mixed.cell, augmented.cell)
    assert conclude(contents).adding is None


def test_the_control_is_judged_by_its_trainings(contents):
    control = conclude(with_arms(contents, ("synthetic_shuffled", math.inf))).control
    classes = len(contents.evaluation.class_names)
    assert control.chance == 1 / classes
    assert control.balanced.mean == pytest.approx(0.955, abs=0.01)
    assert control.verdict is Control.ABOVE
    assert conclude(contents).control is None


def test_trainings_of_the_control_that_happen_to_agree_raise_no_alarm(contents):
    given = with_arms(contents, ("synthetic_shuffled", math.inf))
    *others, control = given.evaluation.cells
    # Just above chance, in each training alike: of 20 images per class no more than two too many.
    confusion = tuple(tuple(12 if column == row else 8 for column in range(2)) for row in range(2))
    alike = tuple(
        dataclasses.replace(each, balanced_accuracy=0.6, confusion=confusion)
        for each in control.folds * 2
    )
    cells = (*others, dataclasses.replace(control, folds=alike))
    evaluation = dataclasses.replace(given.evaluation, cells=cells)
    found = conclude(dataclasses.replace(given, evaluation=evaluation)).control
    assert found.verdict is Control.AT_CHANCE
    half = 1.96 * math.sqrt(2 * 0.6 * 0.4 / 20) / 2
    assert found.balanced.high - found.balanced.mean == pytest.approx(half, rel=1e-3)


def test_a_floor_that_is_not_beaten_stands_beside_its_network(contents, conclusions):
    assert list(conclusions.unbeaten) == ["real"]
    unbeaten = conclusions.unbeaten["real"]
    assert unbeaten.floor.features == "histogram"
    assert unbeaten.network == conclusions.arms.real
    assert conclude(dataclasses.replace(contents, floors=None)).unbeaten == {}


def test_validation_is_judged_of_the_synthetic_arms_best(contents, conclusions):
    validation = conclusions.validation
    assert validation.verdict is Validation.OPTIMISTIC
    assert validation.cell == contents.evaluation.cells[0].cell
    assert (validation.val_accuracy, validation.test_accuracy) == (0.97, 0.869)
    assert validation.gap == pytest.approx(0.101)
    assert validation.choices.num_folds == 3


def test_copying_stands_beside_its_thresholds(conclusions):
    copying = conclusions.copying
    assert (copying.verdict, copying.ratio) == (Copying.ALIKE, 0.917)
    assert copying.nearer_below == verdicts.NEARER_BELOW
    assert copying.farther_above == verdicts.FARTHER_ABOVE


def test_the_best_of_each_arm_has_its_loss_and_rule(contents, conclusions):
    cells = {arm: best.cell for arm, best in conclusions.best.items()}
    synthetic, _, real = contents.evaluation.cells
    assert cells == {"synthetic": synthetic.cell, "real": real.cell}
    assert conclusions.best["synthetic"].val_loss == 0.21
    assert "synthetic arm" in conclusions.best["synthetic"].rule


def test_explanations_are_judged_as_lime_json_and_its_tests_have_it(contents, conclusions):
    assert conclusions.shortcuts.alarms == contents.lime.alarms
    assert conclusions.shortcuts.num_unsure == 0
    assert [test.q for test in conclusions.differences.listed] == [0.012]
    assert conclusions.differences.num_tests == 2
    assert conclusions.differences.q_below.value == 0.05


def test_differences_are_listed_from_the_surest_on(contents):
    tests = tuple(
        dataclasses.replace(contents.lime.comparison.tests[0], q=q) for q in (0.04, 0.9, 0.001)
    )
    comparison = dataclasses.replace(contents.lime.comparison, tests=tests)
    lime = dataclasses.replace(contents.lime, comparison=comparison)
    listed = conclude(dataclasses.replace(contents, lime=lime)).differences.listed
    assert [test.q for test in listed] == [0.001, 0.04]


def test_caveats_are_those_of_the_run(contents):
    assert conclude(contents).caveats == (
        Caveat.SMALL_CLASSES,
        Caveat.SPLIT_BY_IMAGE,
        Caveat.UNREADABLE_FILES,
        Caveat.FOLDS,
        Caveat.ONE_GENERATOR,
        Caveat.RESEARCH_SOFTWARE,
    )
    trial = dataclasses.replace(contents, config=contents.config | {"scale": "smoke"})
    assert conclude(trial).caveats == (Caveat.TRIAL, *conclude(contents).caveats)
    pairs = tuple(
        dataclasses.replace(entry, group=i // 2) for i, entry in enumerate(contents.split.fit)
    )
    split = dataclasses.replace(contents.split, fit=pairs, val=())
    grouped = dataclasses.replace(contents, split=split)
    assert Caveat.SPLIT_BY_IMAGE not in conclude(grouped).caveats


def test_what_was_not_measured_is_not_judged(contents):
    only_split = dataclasses.replace(contents, evaluation=None, fidelity=None, lime=None)
    conclusions = conclude(only_split)
    assert conclusions.best == {}
    assert (conclusions.arms, conclusions.validation, conclusions.copying) == (None,) * 3
    assert (conclusions.shortcuts, conclusions.differences) == (None, None)
    assert Caveat.ONE_GENERATOR not in conclusions.caveats


def test_one_arm_alone_is_not_compared(contents):
    *_, real = contents.evaluation.cells
    evaluation = dataclasses.replace(contents.evaluation, cells=(real,))
    conclusions = conclude(dataclasses.replace(contents, evaluation=evaluation))
    assert (conclusions.arms, conclusions.validation) == (None, None)
    assert list(conclusions.best) == ["real"]


def test_as_data_a_verdict_is_its_word_its_numbers_and_its_threshold(conclusions):
    document = unstructure(conclusions)
    assert document["arms"]["verdict"] == "costs"
    assert document["arms"]["synthetic"]["cell"]["ratio"] == "inf"
    assert document["copying"]["nearer_below"] == {
        "value": 0.8,
        "source": verdicts.NEARER_BELOW.source,
    }
    assert document["small_classes"]["classes"] == {"Benign": 4, "Early": 4, "Pre": 4}
    assert document["caveats"][0] == "small classes"
