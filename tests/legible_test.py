import pytest
from matplotlib.figure import Figure

from synthmed_jax import figure_png, legible

LATIN = ("Müller & Söhne <b>x", "a,b=c", "$x_1$ % #", "ورم", "Ёжик", "αβ", "עברית")
# Of the fonts that matplotlib brings along, its usual one lacks this letter and STIX has it.
SCRIPT = "\N{SCRIPT SMALL G}rade"


def draw(names):
    with names.fonts():
        figure = Figure()
        axes = figure.subplots()
        axes.set_xticks(range(len(names.labels)), names.labels, parse_math=False)
        axes.set_title(names.labels[0], parse_math=False)
        return figure_png.to_png(figure)


def draw_as_ever(labels):
    figure = Figure()
    axes = figure.subplots()
    axes.set_xticks(range(len(labels)), labels, parse_math=False)
    axes.set_title(labels[0], parse_math=False)
    return figure_png.to_png(figure)


def test_names_of_usual_letters_are_drawn_as_ever():
    names = legible.chart_names(LATIN)
    assert names.labels == LATIN
    assert names.shown == dict(zip(LATIN, LATIN, strict=True))
    assert (names.key, names.key_after_text, names.families) == ("", "", ())
    assert draw(names) == draw_as_ever(LATIN)


@pytest.mark.parametrize("name", ["良性肿瘤", "종양", "हिन्दी", "two\nlines"])
def test_without_a_font_numbers_stand_for_all_names(monkeypatch, name):
    monkeypatch.setattr(legible, "WIDE_FONTS", ())
    names = legible.chart_names(("benign", name))
    assert names.labels == ("class 1", "class 2")
    assert names.shown == {"benign": "class 1", name: "class 2"}
    assert names.key.endswith(f"stand for them: class 1 = benign, class 2 = {name}.")
    assert names.key_after_text == f" {names.key}"
    assert names.families == ()
    assert draw(names) == draw_as_ever(("class 1", "class 2"))


def test_another_installed_font_lends_its_letters(monkeypatch):
    monkeypatch.setattr(legible, "WIDE_FONTS", ("No Such Font", "cmr10", "STIXGeneral"))
    names = legible.chart_names(("benign", SCRIPT))
    assert names.labels == ("benign", SCRIPT)
    # cmr10 is installed and has none of the letters that are lacking.
    assert (names.key, names.families) == ("", ("STIXGeneral",))
    drawn = draw(names)  # and matplotlib warns of no missing letter, which would be an error here
    with pytest.warns(UserWarning, match="Glyph"):
        assert draw_as_ever(names.labels) != drawn


def test_a_font_that_has_some_of_the_letters_is_not_enough(monkeypatch):
    monkeypatch.setattr(legible, "WIDE_FONTS", ("STIXGeneral",))
    names = legible.chart_names((SCRIPT, "良性肿瘤"))
    assert (names.labels, names.families) == (("class 1", "class 2"), ())
