import dataclasses

import pytest

from synthmed_jax.report import forest, pool_text
from synthmed_jax.results.pool import CurvePoint, Pool, PooledRun
from tests.report.pooled import NO_CLAIM, NOT_SHOWN, SEEDS, SHOWN

SCORES = (
    CurvePoint(0.2, "synthetic", (1, 2), (0.55, 0.65), 0.6),
    CurvePoint(0.2, "real", (1, 2), (0.8, 0.9), 0.85),
)


def pool(*differences, curve=SCORES):
    runs = tuple(
        PooledRun(f"/runs/s{each.seed}", each.seed, 0.2, each.is_development, 128)
        for each in differences[0].of_seeds
    )
    return Pool("phantom", ("a", "b"), 3, runs, differences, curve)


def test_a_claim_says_what_is_shown_and_who_was_left_out():
    said = " ".join(pool_text.paragraphs(pool(SHOWN, NOT_SHOWN)))
    assert "4 runs on the data set phantom, under config.seed 0, 1, 2, 4." in said
    assert "Results of seed 0 were watched" in said
    assert "D2: \N{MINUS SIGN}1.4 percentage points over 3 seeds" in said
    assert (
        "interval \N{MINUS SIGN}3.4 to +0.6). This shows it to be above \N{MINUS SIGN}5.0 points"
        in said
    )
    assert "(one-sided p = < 0.001" not in said
    assert "(one-sided p < 0.001, by Holm < 0.001)" in said
    assert "This does not show it to be above \N{MINUS SIGN}2.0 points (one-sided p = 0.120" in said


def test_an_interval_below_the_threshold_is_told_from_one_that_holds_it():
    above_one = dataclasses.replace(NOT_SHOWN, threshold=0.01)  # the interval ends at 0.6 points
    (said,) = [each for each in pool_text.paragraphs(pool(above_one)) if each.startswith("D1")]
    assert said.endswith("): the whole interval lies below.")
    (held,) = [each for each in pool_text.paragraphs(pool(NOT_SHOWN)) if each.startswith("D1")]
    assert held.endswith(").")


def test_too_few_seeds_are_said_to_be_too_few():
    said = pool_text.paragraphs(pool(NO_CLAIM))[-1]
    assert said.startswith("D2: no claim over seeds is made.")
    assert "takes 3 seeds" in said
    assert said.endswith("there is 1.")
    assert "was watched" not in said


def test_without_a_development_seed_nothing_is_left_out():
    only = dataclasses.replace(SHOWN, of_seeds=SEEDS[1:])
    assert "watched while" not in " ".join(pool_text.paragraphs(pool(only)))


def test_the_tables_have_every_seed_and_every_run():
    pooled, by_seed, scores, runs = pool_text.to_section(pool(SHOWN, NOT_SHOWN)).tables
    assert [row.values[:2] for row in pooled.rows] == 2 * [
        ("\N{MINUS SIGN}1.4", "\N{MINUS SIGN}3.4 to +0.6")
    ]
    assert pooled.rows[1].values[2:] == ("0.7", "0.4", "3", "\N{MINUS SIGN}2.0", "0.124")
    assert by_seed.rows[0].name == "D2, seed 0 (development)"
    assert by_seed.rows[1].values == ("\N{MINUS SIGN}2.1", "\N{MINUS SIGN}4.0 to +0.5")
    assert len(by_seed.rows) == 8
    assert "groups of images" in by_seed.caption
    assert [row.name for row in scores.rows] == ["synthetic", "real"]
    assert scores.rows[0].values == ("60.0\xa0%", "55.0\xa0%", "65.0\xa0%", "2")
    assert "Guessing scores 50.0" in scores.caption
    assert [row.name for row in runs.rows] == [f"/runs/s{s}" for s in (0, 1, 2, 4)]
    assert runs.rows[0].values[0] == "0 (development)"


CURVE = (
    CurvePoint(0.05, "real", (1, 2), (0.6, 0.7), 0.65),
    CurvePoint(0.2, "real", (1, 2), (0.8, 0.8), 0.8),
    CurvePoint(0.05, "synthetic", (1,), (0.5,), 0.5),
    CurvePoint(0.2, "synthetic", (1,), (0.7,), 0.7),
)


def test_a_curve_has_a_table_a_picture_and_names_with_the_share():
    made = pool(SHOWN, curve=CURVE)
    section = pool_text.to_section(made)
    assert [picture.file for picture in section.pictures] == ["forest.png", "curve.png"]
    assert section.tables[2].rows[0].name == "real, 5.0 % of the real images".replace(" %", "\xa0%")
    assert section.tables[2].rows[0].values == ("65.0\xa0%", "60.0\xa0%", "70.0\xa0%", "2")
    assert pool_text.heading(made, SHOWN) == "D2, 20.0\xa0% of the real images"
    (axes,) = forest.score_curve(CURVE).axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["real"].get_xdata()) == pytest.approx([5, 20])
    assert list(lines["synthetic"].get_ydata()) == pytest.approx([50, 70])
    dots = [y for line in axes.lines if line.get_marker() == "." for y in line.get_ydata()]
    assert dots == pytest.approx([60, 70, 80, 80, 50, 70])
