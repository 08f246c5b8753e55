import dataclasses

import numpy as np
import pytest

from synthmed_jax.report import charts
from synthmed_jax.report.drawing import INK
from synthmed_jax.results.sweep import SweepRow


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_every_cell_has_its_mean_its_interval_and_its_folds(contents):
    cells = contents.evaluation.cells
    (axes,) = charts.accuracy_intervals(cells, 1 / 3).axes
    *drawn, chance = axes.lines
    assert len(drawn) == 3 * len(cells)
    for y, cell in enumerate(cells):
        folds, interval, mean = drawn[3 * y : 3 * y + 3]
        np.testing.assert_allclose(folds.get_xdata(), [100 * f.test_accuracy for f in cell.folds])
        low, high = cell.accuracy_interval.low, cell.accuracy_interval.high
        np.testing.assert_allclose(interval.get_xdata(), [100 * low, 100 * high])
        assert list(interval.get_ydata()) == [y, y]
        np.testing.assert_allclose(mean.get_xdata(), [100 * cell.mean.test_accuracy])
    np.testing.assert_allclose(chance.get_xdata(), 100 / 3)


def test_cells_are_named_from_top_to_bottom_and_arms_told_by_markers(contents):
    (axes,) = charts.accuracy_intervals(contents.evaluation.cells, 0.25).axes
    assert ticks(axes.yaxis) == [
        "resnet18, synthetic, n 500", "vgg16, synthetic, n 500", "resnet18, real, n all"
    ]  # fmt: skip
    assert axes.yaxis_inverted()
    markers = [line.get_marker() for line in axes.lines[2:-1:3]]
    assert markers[0] == markers[1] != markers[2]


def test_accuracy_follows_the_number_of_images(contents):
    many = contents.evaluation.cells[0]
    mean = dataclasses.replace(many.mean, balanced_accuracy=0.6)
    few = dataclasses.replace(many, n=50, mean=mean)
    (axes,) = charts.by_amount([many, few], {"real": 0.9}, 0.25).axes
    curve, real, chance = axes.lines[-3:]
    np.testing.assert_allclose(curve.get_xdata(), [50, 500])
    np.testing.assert_allclose(curve.get_ydata(), [60, 80])
    assert (set(real.get_ydata()), set(chance.get_ydata())) == ({90}, {25})
    assert ticks(axes.xaxis) == ["50", "500"]


def test_confusion_is_counted_and_shaded_by_the_share_of_the_true_class():
    matrix = np.array([[3, 1], [0, 8]])
    (axes,) = charts.confusion_matrices({"real: vgg16": matrix}, ["sick", "well"]).axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    texts = {text.get_position(): text for text in axes.texts}
    assert texts[1, 0].get_text() == "1\n25%"
    assert texts[0, 1].get_text() == "0\n0%"
    assert (texts[0, 0].get_color(), texts[1, 0].get_color()) == ("white", INK)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert ticks(axes.xaxis) == ticks(axes.yaxis) == ["sick", "well"]
    assert axes.get_title(loc="left") == "real: vgg16"


def test_a_class_without_images_is_no_division_by_zero():
    matrix = np.array([[0, 0], [1, 1]])
    (axes,) = charts.confusion_matrices({"": matrix}, ["sick", "well"]).axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[0, 0], [0.5, 0.5]])


@pytest.mark.parametrize(("num_classes", "numbers"), [(2, 4), (12, 144), (15, 0)])
def test_many_classes_leave_no_room_for_numbers(num_classes, numbers):
    names = [f"a rather long class name {i}" for i in range(num_classes)]
    matrices = {"synthetic": np.eye(num_classes, dtype=int)}
    (axes,) = charts.confusion_matrices(matrices, names).axes
    assert len(axes.texts) == numbers
    assert max(map(len, ticks(axes.xaxis))) == 12


def test_a_place_without_a_matrix_is_empty():
    matrices = dict.fromkeys("abc", np.eye(2, dtype=int))
    figure = charts.confusion_matrices(matrices, ["sick", "well"])
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]


def row(sampler, steps, distances, rate):
    return SweepRow(sampler, steps, steps, distances, (None, None), rate, 0.1, (-0.1, 0.3))


def test_a_sweep_is_a_line_per_sampler_in_the_order_of_steps():
    rows = [
        row("ddim", 50, (2.0, 4.0), 10.0),
        row("heun", 10, (7.0, 7.0), 30.0),
        row("ddim", 20, (5.0, 6.0), 25.0),
    ]
    (axes,) = charts.sweep(rows).axes
    ddim, heun = (container.lines[0] for container in axes.containers)
    assert (list(ddim.get_xdata()), list(ddim.get_ydata())) == ([25.0, 10.0], [5.5, 3.0])
    assert (list(heun.get_xdata()), list(heun.get_ydata())) == ([30.0], [7.0])
    assert [text.get_text() for text in axes.texts] == ["20", "50", "10"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ddim", "heun"]
    bars = axes.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(bars[1][:, 1], 3.0 + np.std([2, 4], ddof=1) * np.array([-1, 1]))
    assert axes.get_xscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "images per second", "kernel distance to val"
    )  # fmt: skip
