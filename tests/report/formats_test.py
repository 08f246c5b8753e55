import dataclasses
import math

import pytest

from synthmed_jax.report import formats
from synthmed_jax.results.cells import Cell


def plain(text):
    return text.replace(formats.NBSP, " ")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (192.4, "3 min 12 s"), (7290, "2 h 1 min")]
)
def test_durations(seconds, text):
    assert plain(formats.duration(seconds)) == text


def test_shares_and_their_differences():
    assert plain(formats.percent(0.8694)) == "86.9 %"
    assert plain(formats.percent(0.8694, 0)) == "87 %"
    assert formats.points(-0.1131) == formats.points(0.1131) == "11.3 percentage points"
    assert plain(formats.n_is(60)) == "n = 60"
    assert plain(formats.of_trainings(1)) == "n = 1 training"
    assert plain(formats.of_trainings(3)) == "n = 3 trainings"


def test_amounts():
    assert formats.amount(Cell("vgg16", "synthetic", 8, math.inf, 0)) == "8 images per class"
    by_class = Cell("vgg16", "synthetic", (8, 20), math.inf, 0)
    assert formats.amount(by_class) == "8+20 images by class"
    assert formats.amount(Cell("vgg16", "real", None, 0.0, 0)) == "all fit images"


def test_an_accuracy_has_its_spread_and_interval(contents):
    cell = contents.evaluation.cells[0]
    assert plain(formats.accuracy(cell)) == (
        "86.9 % ± 1.0 % (mean and standard deviation of 3 trainings; 95 % interval 83.8 % to "
        "89.6 %)"
    )


def test_one_fold_has_no_spread(contents):
    cell = contents.evaluation.cells[0]
    single = dataclasses.replace(cell, folds=cell.folds[:1], std=None)
    assert plain(formats.accuracy(single)) == (
        "86.9 % (one training; 95 % interval 83.8 % to 89.6 %)"
    )
