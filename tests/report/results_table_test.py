import dataclasses

import pytest

from synthmed_jax.report import results_table
from synthmed_jax.report.formats import NBSP
from synthmed_jax.results.evaluation import Scores


def caption(fabricated, **fields):
    fabricated.configure("classifier", **fields)
    return results_table.caption(fabricated.contents()).replace(NBSP, " ")


@pytest.mark.parametrize(
    ("selection", "images"),
    [
        ("synthetic", "val. columns on those of that arm that a fold leaves out."),
        ("val", "val. columns on the real val images (n = 12), the same for every row."),
    ],
)
def test_the_caption_says_what_validation_was(fabricated, selection, images):
    assert images in caption(fabricated, selection=selection)


def test_the_caption_says_where_validation_labels_are_shuffled(fabricated):
    fabricated.configure("classifier", selection="val")
    contents = fabricated.contents()
    first, *rest = contents.evaluation.cells
    control = dataclasses.replace(first, arm="synthetic_shuffled")
    evaluation = dataclasses.replace(contents.evaluation, cells=(control, *rest))
    text = results_table.caption(dataclasses.replace(contents, evaluation=evaluation))
    assert "the same for every row; in rows of shuffled labels theirs are shuffled too (in" in text
    assert "early versions of this program they were the right ones)." in text


def test_a_train_loss_against_smoothed_labels_is_named(fabricated):
    assert "spread" not in caption(fabricated, label_smoothing=0.0)
    text = caption(fabricated, label_smoothing=0.1)
    assert "train loss alone is taken against labels of which 0.1 is spread" in text


def test_columns_are_numbers_that_an_evaluation_has():
    fields = {field.name for field in dataclasses.fields(Scores)}
    assert {attribute for attribute, _, _ in results_table.COLUMNS} <= fields


def test_each_cell_has_a_row_of_means_and_spreads(contents):
    rows = results_table.result_rows(contents)
    assert [row.name for row in rows] == ["resnet18", "vgg16", "resnet18"]
    assert rows[0].trained_on == "synthetic: 500 images per class, seed 0"
    assert rows[2].trained_on == "real: all fit images, seed 0"
    assert (
        rows[0].sizes.replace(NBSP, " ")
        == "3 trainings, steps 840, train n = 1333-1335, val n = 667"
    )
    values = dict(zip(results_table.HEADINGS, rows[0].values, strict=True))
    std = contents.evaluation.cells[0].std
    assert (values["val. loss"].mean, values["val. loss"].std) == ("0.210", f"± {std.val_loss:.3f}")
    assert (values["F1"].mean, values["F1"].std) == ("83.0", f"± {100 * std.f1:.1f}")


def test_a_single_fold_has_no_spread(contents):
    first, *rest = contents.evaluation.cells
    single = dataclasses.replace(first, folds=first.folds[:1], std=None)
    evaluation = dataclasses.replace(contents.evaluation, cells=(single, *rest))
    row = results_table.result_rows(dataclasses.replace(contents, evaluation=evaluation))[0]
    assert {value.std for value in row.values} == {""}


def test_without_trainings_at_hand_the_folds_are_still_counted(contents):
    rows = results_table.result_rows(dataclasses.replace(contents, folds={}))
    assert {row.sizes for row in rows} == {"3 trainings"}


def test_without_an_evaluation_there_is_no_table(contents):
    nothing = dataclasses.replace(contents, evaluation=None)
    assert results_table.result_rows(nothing) == []
    assert results_table.caption(nothing) == results_table.best_network(None) == ""


def test_the_best_network_is_named_with_its_rule(contents):
    best = contents.evaluation.best
    assert results_table.best_network(contents.evaluation) == (
        f"resnet18 of the arm synthetic (500 images per class, seed 0), training 1; "
        f"rule: {best.rule}"
    )
