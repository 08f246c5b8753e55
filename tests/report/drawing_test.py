import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from synthmed_jax.report import drawing


def line(title):
    figure = Figure(figsize=(4, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [1, 0])
    drawing.tidy(axes, title, "step")
    return figure


def test_the_same_figure_gives_the_same_bytes():
    assert drawing.to_png(line("loss")) == drawing.to_png(line("loss"))
    assert drawing.to_png(line("loss")) != drawing.to_png(line("accuracy"))


def test_a_png_has_the_resolution_of_the_page_and_no_version_in_it():
    png = drawing.to_png(line("loss"))
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert image.info["dpi"] == pytest.approx((drawing.DPI,) * 2, rel=1e-3)
    assert b"Matplotlib" not in png


def test_a_title_that_looks_like_mathematics_is_none():
    (axes,) = line("$a_{b").axes
    assert axes.get_title(loc="left") == "$a_{b"
    assert drawing.to_png(line("$a_{b"))


def test_long_names_are_cut_in_the_middle():
    assert drawing.shorten("short") == "short"
    assert drawing.shorten("carcinoma_in_situ", 9) == "carc\N{HORIZONTAL ELLIPSIS}situ"
