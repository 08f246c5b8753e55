"""What the passes find out: windows, and which files are turned over."""

import numpy as np
import pytest

from synthmed_jax.data.formats.opened import Kind
from synthmed_jax.data.grey_scale import Histogram, Window
from synthmed_jax.data.scales import Scales

PLAIN = Kind("16-bit")
WHITE = Kind("16-bit", inverted=True)


def histogram(*values: float) -> Histogram:
    counted = Histogram()
    counted.add(np.array(values))
    return counted


def test_one_pass_decides_the_windows_of_kinds_that_are_alike():
    scales = Scales({}, {}).after({PLAIN: histogram(0, 4095), Kind("float"): histogram(0, 1)})
    ends = {kind: (window.low, window.high) for kind, window in scales.windows.items()}
    assert ends == {PLAIN: (0, 4095), Kind("float"): (0, 1)}
    assert scales.common(PLAIN) == PLAIN
    assert scales.describe(PLAIN) == "16-bit"


def test_files_whose_lowest_value_is_white_stay_as_they_are_where_all_are():
    scales = Scales({}, {}).after({WHITE: histogram(0, 4095)})
    assert scales.common(WHITE) == WHITE
    assert (scales.windows[WHITE].low, scales.windows[WHITE].high) == (0, 4095)
    assert scales.describe(WHITE) == "16-bit (lowest value is white)"


def test_beside_others_they_are_turned_over_and_share_a_window():
    other = {Kind("float"): Window(0, 1, "")}
    first = Scales(other, {}).after({PLAIN: histogram(0, 30000), WHITE: histogram(36850, 65535)})
    assert first.turned == {WHITE: (0, 65535)}
    assert first.windows == other  # the values are to be looked at together
    assert first.common(WHITE) == first.common(PLAIN) == PLAIN
    second = first.after({PLAIN: histogram(0, 28685, 30000)})
    assert (second.windows[PLAIN].low, second.windows[PLAIN].high) == (0, 30000)
    assert second.describe(PLAIN) == "16-bit (files whose lowest value is white are turned over)"


@pytest.mark.parametrize("kind", [PLAIN, WHITE])
def test_a_window_that_is_known_stays(kind):
    known = {kind: Window(0, 7, "")}
    assert Scales(known, {}).after({Kind("float"): histogram(0, 1)}).windows[kind] == known[kind]
