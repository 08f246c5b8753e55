import dataclasses

import numpy as np
import pytest

from synthmed_jax.report import findings


def with_val_loss(cell, val_loss, **fields):
    """The cell with this validation loss in every fold."""
    folds = tuple(dataclasses.replace(fold, val_loss=val_loss) for fold in cell.folds)
    mean = dataclasses.replace(cell.mean, val_loss=val_loss)
    return dataclasses.replace(cell, folds=folds, mean=mean, **fields)


def test_each_arms_network_is_chosen_by_validation_not_by_test(contents):
    resnet, vgg, real = contents.evaluation.cells
    best_on_test = dataclasses.replace(vgg, mean=dataclasses.replace(vgg.mean, test_accuracy=1.0))
    evaluation = dataclasses.replace(contents.evaluation, cells=(resnet, best_on_test, real))
    assert findings.best_of_each_arm(evaluation) == {"synthetic": resnet, "real": real}
    better = with_val_loss(vgg, 0.01)
    evaluation = dataclasses.replace(contents.evaluation, cells=(real, resnet, better))
    best = findings.best_of_each_arm(evaluation)
    assert list(best.items()) == [("real", real), ("synthetic", better)]


def test_the_headline_compares_one_network_with_itself(contents):
    *_, real = contents.evaluation.cells
    other = with_val_loss(real, 0.001, backbone="vgg16")
    cells = (*contents.evaluation.cells, other)
    chosen = findings.headline(dataclasses.replace(contents.evaluation, cells=cells))
    assert chosen.real == real
    assert chosen.same_network
    assert chosen.cells == {"synthetic": contents.evaluation.cells[0], "real": real}


def test_the_best_real_network_stands_in_where_that_one_is_missing(contents):
    resnet, _, real = contents.evaluation.cells
    worse, better = (
        with_val_loss(real, loss, backbone=name)
        for name, loss in (("vgg16", 0.3), ("alexnet", 0.2))
    )
    cells = (resnet, worse, better)
    chosen = findings.headline(dataclasses.replace(contents.evaluation, cells=cells))
    assert chosen.real == better
    assert not chosen.same_network


def test_an_arm_that_was_not_trained_has_no_cell(contents):
    *_, real = contents.evaluation.cells
    chosen = findings.headline(dataclasses.replace(contents.evaluation, cells=(real,)))
    assert chosen.cells == {"real": real}
    assert not chosen.same_network
    assert findings.headline(None).cells == {}


def test_confusion_is_the_sum_of_the_folds(contents):
    expected = [[54, 3, 3], [3, 54, 3], [3, 3, 54]]
    confusion = findings.confusion_sum(contents.evaluation.cells[0])
    np.testing.assert_array_equal(confusion, expected)


def test_the_choices_of_epochs_are_compared_on_real_val_images(contents):
    choices = findings.epoch_choices(contents, contents.evaluation.cells[0])
    # What conftest.py gives each of three folds: 0.5, 0.6 and 0.7.
    assert choices.by_left_out == pytest.approx(0.6)
    assert choices.by_real_val == pytest.approx(0.75)
    assert choices.num_folds == 3


def with_result(contents, change):
    cell = contents.evaluation.cells[0]
    first, *rest = contents.folds_of(cell)
    changed = dataclasses.replace(first, result=change(first.result))
    return dataclasses.replace(contents, folds=contents.folds | {cell.cell: (changed, *rest)})


@pytest.mark.parametrize("missing", ["fold", "real_val"])
def test_a_fold_without_both_choices_leaves_nothing_to_compare(contents, missing):
    def without(result):
        choices = {name: choice for name, choice in result.choices.items() if name != missing}
        return dataclasses.replace(result, choices=choices)

    cell = contents.evaluation.cells[0]
    assert findings.epoch_choices(with_result(contents, without), cell) is None


def test_a_training_that_has_not_ended_leaves_nothing_to_compare(contents):
    cell = contents.evaluation.cells[0]
    assert findings.epoch_choices(with_result(contents, lambda result: None), cell) is None
    assert findings.epoch_choices(dataclasses.replace(contents, folds={}), cell) is None
