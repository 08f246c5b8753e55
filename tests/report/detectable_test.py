import dataclasses
import math

import pytest

from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.detectable import Detectable, detectable, sentence
from synthmed_jax.results.explanations import TwoSampleRow
from synthmed_jax.statistics.power import detectable_shift


def row(n, q):
    return TwoSampleRow("a", "border", n, n, 0.5, 0.6, 0.5, q, q)


def test_it_is_of_the_tests_that_found_nothing_under_their_adjustment():
    found = detectable([row(20, 0.9), row(30, 0.5), row(5, 0.001), row(20, 0.8)])
    assert found.num_tests == 3
    assert found.p_below == pytest.approx(0.05 * 2 / 4)
    assert found.largest == detectable_shift(20, 20, 0.025)
    assert found.smallest == detectable_shift(30, 30, 0.025)
    assert detectable([row(20, 0.01)]) is None
    assert detectable([]) is None


@pytest.mark.parametrize(
    ("smallest", "largest", "said"),
    [
        (
            1.397,
            1.397,
            "would have found a difference of 1.4 standard deviations over images in 80 % of",
        ),
        (1.397, 1.42, "difference of 1.4 standard"),
        (1.1, 1.42, "difference of 1.1 to 1.4, by their numbers of images, standard deviations"),
        (1.1, math.inf, "difference of 1.1 (and some, of fewer images, none) standard deviations"),
        (math.inf, math.inf, "can't find a difference, however large"),
    ],
)
def test_the_smallest_difference_is_said(smallest, largest, said):
    text = sentence(Detectable(smallest, largest, 24, 0.05 / 24, 0.8))
    assert said in text
    assert text.startswith(" ")
    assert ("p below 0.0021" in text) == math.isfinite(smallest)


def test_where_all_tests_find_a_difference_nothing_is_said():
    assert sentence(None) == ""


def test_twenty_images_per_class_and_24_tests_miss_differences_below_1_4(contents):
    tests = tuple([row(20, 0.9)] * 24)
    comparison = dataclasses.replace(contents.lime.comparison, tests=tests)
    lime = dataclasses.replace(contents.lime, comparison=comparison)
    found = conclude(dataclasses.replace(contents, lime=lime)).differences.detectable
    assert found.smallest == found.largest == pytest.approx(1.4, abs=0.03)
