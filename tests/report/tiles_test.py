import dataclasses

import pytest

from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.findings import headline
from synthmed_jax.report.formats import NBSP
from synthmed_jax.report.tiles import SIGNS, make_tiles
from synthmed_jax.verdicts import Direction


def tiles(contents, **fields):
    contents = dataclasses.replace(contents, **fields)
    arms = conclude(contents).arms
    made = make_tiles(contents, headline(contents.evaluation), arms)
    return [(t.value.replace(NBSP, " "), t.label, t.detail.replace(NBSP, " ")) for t in made]


def test_the_largest_numbers_are_those_of_the_files(contents):
    synthetic, real, gap, distance = tiles(contents)
    assert synthetic == (
        "86.9 %",
        "right on real test images, trained on synthetic images only",
        "95 % interval 83.8 % to 89.6 %; 3 trainings, n = 60 test images",
    )
    assert real[:2] == ("95.3 %", "right on real test images, trained on the real fit images")
    assert gap == (
        "\N{MINUS SIGN}15.5",
        "percentage points of balanced accuracy, synthetic less real",
        "paired difference; 95 % interval \N{MINUS SIGN}18.6 to \N{MINUS SIGN}12.4 percentage "
        "points",
    )
    assert (distance[0], distance[2]) == ("0.92", "n = 21 synthetic, 12 val images")


@pytest.mark.parametrize(("accuracy", "value"), [(0.7, "+10.0"), (0.8, "0.0")])
def test_a_gain_has_a_plus_without_a_paired_difference_too(contents, accuracy, value):
    *others, real = contents.evaluation.cells
    mean = dataclasses.replace(real.mean, balanced_accuracy=accuracy)
    cells = (*others, dataclasses.replace(real, mean=mean))
    evaluation = dataclasses.replace(contents.evaluation, cells=cells, declared=())
    assert tiles(contents, evaluation=evaluation)[2][0] == value
    assert set(SIGNS) == set(Direction)


def test_what_was_not_measured_has_no_tile(contents):
    assert tiles(contents, evaluation=None, fidelity=None) == []
    without_val = dataclasses.replace(contents.fidelity, ratio=None, median_val=None)
    assert len(tiles(contents, fidelity=without_val)) == 3
