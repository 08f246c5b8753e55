"""The page of runs side by side; what a browser shows of it where there is a Chromium."""

import dataclasses

import pytest

from synthmed_jax.report import compare_page
from synthmed_jax.report.card import Finding, Tone
from synthmed_jax.report.formats import DASH
from tests.report.browser_test import CHROMIUM, assert_sound, look
from tests.report.compared import BARE, D1, FULL, SIDE

HOSTILE = dataclasses.replace(FULL, name="<b>|x", workdir="/runs/<b>|x", dataset="a & b")
LONG = dataclasses.replace(
    FULL,
    name="l" * 200,
    workdir="/" + "long" * 50,
    answers={"D1": dataclasses.replace(D1, findings=(Finding("", "", "w" * 90, Tone.YES),))},
)


def side(*runs):
    return dataclasses.replace(SIDE, runs=runs)


def test_the_page_needs_nothing_and_escapes_names():
    page = compare_page.render_html(side(HOSTILE, BARE))
    assert "&lt;b&gt;|x" in page
    assert "<b>|x" not in page
    assert "a &amp; b" in page
    for outside in ("<script", "http", "src="):
        assert outside not in page


def test_the_page_has_verdicts_numbers_and_what_lacks():
    page = compare_page.render_html(SIDE)
    assert '<p class="verdict open">Not shown</p>' in page
    assert '<p class="verdict no">An attack succeeds</p>' in page
    assert '<p class="missing">The audit has not run.</p>' in page
    assert "<small>75.2 to 85.3\xa0%</small>" in page
    assert "overlap is no test of a difference" in page


def test_sections_without_a_number_say_why():
    page = compare_page.render_html(dataclasses.replace(side(BARE, BARE), fields=()))
    for sentence in ("agree in all settings", "No run has trained a forest", "finished in no run"):
        assert sentence in page


def test_markdown_has_the_same_tables():
    text = compare_page.render_markdown(side(HOSTILE, BARE))
    assert "| | &lt;b&gt;\\|x | bare |" in text
    assert "| config.seed | 1 | 2 |" in text
    assert f"| Stand in for real images (D1) | ? Not shown | {DASH} |" in text
    assert "| Both | An attack succeeds; -3.0 synthetic less real (-5.0 to -1.0); Under" in text
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(lines) > 30
    assert all(line.replace("\\|", "").count("|") == 4 for line in lines)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium in PATH")
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("runs", [(FULL, BARE), (FULL, BARE, HOSTILE, LONG)])
def test_the_page_is_sound_at_every_width(tmp_path, runs, width):
    found = look(compare_page.render_html(side(*runs)), tmp_path, width)
    assert_sound(found)
    assert found["links"] == 11
