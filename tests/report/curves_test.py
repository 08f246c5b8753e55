import numpy as np

from synthmed_jax.report import curves
from synthmed_jax.report.drawing import to_png
from synthmed_jax.report.files import Fold
from synthmed_jax.report.training_logs import EpochRecord, StepRecord
from synthmed_jax.results.cells import Cell


def test_smoothing_keeps_a_line_straight_to_its_ends():
    line = 3.0 - 0.1 * np.arange(20)
    np.testing.assert_allclose(curves.smooth(line, 7), line)


def test_smoothing_takes_means():
    np.testing.assert_allclose(curves.smooth([0, 0, 3, 0, 0], 3), [0, 1, 1, 1, 0])


def test_training_and_validation_loss_are_drawn_against_the_step():
    records = [StepRecord(s, loss=1 / s) for s in range(1, 81)] + [StepRecord(40, val_loss=0.5)]
    (axes,) = curves.diffusion_curves({"": records}).axes
    logged, smoothed, val = axes.lines
    np.testing.assert_array_equal(logged.get_xdata(), np.arange(1, 81))
    np.testing.assert_allclose(logged.get_ydata(), 1 / np.arange(1, 81))
    np.testing.assert_allclose(smoothed.get_ydata(), curves.smooth(logged.get_ydata(), 5))
    assert (list(val.get_xdata()), list(val.get_ydata())) == ([40], [0.5])
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["train, as logged", "train, mean of 5 records", "val"]
    assert axes.get_yscale() == "log"
    assert axes.get_title(loc="left") == "Diffusion model: loss (log scale)"


def test_few_records_are_not_drawn_again_as_their_own_means():
    (axes,) = curves.diffusion_curves({"": [StepRecord(s, loss=1 / s) for s in (1, 2)]}).axes
    assert len(axes.lines) == 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train, as logged"]


def test_each_class_with_a_model_of_its_own_has_a_panel():
    trainings = {"glioma": [StepRecord(1, loss=1.0)], "notumor": [StepRecord(1, loss=3.0)]}
    first, second = curves.diffusion_curves(trainings).axes
    assert "of glioma" in first.get_title(loc="left")
    assert list(second.lines[0].get_ydata()) == [3.0]


def test_a_run_just_begun_has_no_validation_yet():
    figure = curves.diffusion_curves({"": [StepRecord(1, loss=1.0)]})
    assert len(figure.axes[0].lines) == 1
    assert to_png(figure)


def fold(offset, epochs=4):
    records = [EpochRecord(e, 1 + offset, 2 + offset, 3 + offset, 4 + offset)
               for e in range(1, epochs + 1)]  # fmt: skip
    return Fold(tuple(records), None)


def test_a_classifiers_row_is_its_loss_and_its_accuracy_a_line_per_fold():
    cells = (Cell("vgg16", "real", None, 0.0, 3), Cell("vgg16", "synthetic", 8, np.inf, 3))
    folds = {cells[0]: (fold(0.1), fold(0.2)), cells[1]: (fold(0.3),)}
    loss, accuracy, other, _ = curves.classifier_curves(folds).axes
    assert loss.get_title(loc="left") == "vgg16/real/all-0-s3 (2 trainings): loss"
    assert other.get_title(loc="left") == "vgg16/synthetic/8-inf-s3 (1 training): loss"
    # Of both folds the training images, then of both the validation images.
    assert [line.get_ydata()[0] for line in loss.lines] == [1.1, 1.2, 3.1, 3.2]
    assert [line.get_ydata()[0] for line in accuracy.lines] == [2.1, 2.2, 4.1, 4.2]
    assert list(loss.lines[0].get_xdata()) == [1, 2, 3, 4]
    assert [line.get_linestyle() for line in loss.lines] == ["--", "--", "-", "-"]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["train", "val"]


def test_a_curve_of_one_or_two_points_has_markers():
    cell = Cell("vgg16", "real", None, 0.0, 0)
    for epochs, marker in ((2, "."), (3, "None")):
        loss, _ = curves.classifier_curves({cell: [fold(0, epochs)]}).axes
        assert {line.get_marker() for line in loss.lines} == {marker}
