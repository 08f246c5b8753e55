import dataclasses

import pytest

from synthmed_jax.report.drawing import BLUE
from synthmed_jax.report.forest import forest
from tests.report.pooled import NO_CLAIM, NOT_SHOWN, POOLED, SEEDS, SHOWN


def names(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_a_panel_has_a_row_per_seed_and_a_diamond():
    first, second = forest([SHOWN, NOT_SHOWN], ["one", "two"]).axes
    assert names(first) == [
        "seed 0 (development)",
        "seed 1",
        "seed 2",
        "seed 4",
        "3 seeds together",
    ]
    zero, threshold, *rows = first.lines
    assert (list(zero.get_xdata()), list(threshold.get_xdata())) == ([0, 0], [-5, -5])
    for y, each in enumerate(SEEDS):
        interval, point = rows[2 * y : 2 * y + 2]
        assert list(interval.get_xdata()) == pytest.approx([100 * each.low, 100 * each.high])
        assert list(interval.get_ydata()) == [y, y]
        assert list(point.get_xdata()) == pytest.approx([100 * each.estimate])
        assert (point.get_markerfacecolor() == "white") == each.is_development
    (diamond,) = first.patches
    corners = diamond.get_xy()[:4]
    assert sorted(corners[:, 0]) == pytest.approx(
        sorted([100 * POOLED.low, 100 * POOLED.high, *2 * [100 * POOLED.estimate]])
    )
    assert set(corners[:, 1].round(2)) == {4, 3.7, 4.3}
    texts = [text.get_text() for text in first.texts]
    assert texts[0] == "+1.1 (\N{MINUS SIGN}1.0 to +3.0)"
    assert texts[-1] == "\N{MINUS SIGN}1.4 (\N{MINUS SIGN}3.4 to +0.6)"
    assert first.get_title(loc="left") == "one"
    assert "percentage points" in second.get_xlabel()


def test_too_few_seeds_have_a_hollow_diamond_or_none():
    few = dataclasses.replace(SHOWN, is_shown=None)
    filled, hollow, none = (forest([each], [""]).axes[0].patches for each in (SHOWN, few, NO_CLAIM))
    rgb = tuple(int(BLUE[i : i + 2], 16) / 255 for i in (1, 3, 5))
    assert filled[0].get_facecolor()[:3] == pytest.approx(rgb)
    assert hollow[0].get_facecolor()[:3] == (1, 1, 1)
    assert not none
