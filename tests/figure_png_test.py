import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from synthmed_jax.figure_png import to_png


def _draw():
    figure = Figure(figsize=(3, 2), dpi=50)
    figure.add_axes((0.25, 0.25, 0.5, 0.5)).imshow(np.eye(2))
    return figure


def _open(content):
    return Image.open(io.BytesIO(content))


def test_a_figure_keeps_its_size_at_its_own_or_another_resolution():
    assert _open(to_png(_draw())).size == (150, 100)
    assert _open(to_png(_draw(), dpi=100)).size == (300, 200)


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_a_margin_cuts_what_is_empty(margin):
    picture = _open(to_png(_draw(), dpi=100, margin=margin))
    white = (np.asarray(picture.convert("L")) == 255).all(axis=1)
    assert picture.size[1] < 200
    assert np.argmin(white) == pytest.approx(100 * margin, abs=2)


def test_the_same_figure_gives_the_same_bytes_which_do_not_name_the_library():
    assert to_png(_draw()) == to_png(_draw())
    assert "Software" not in _open(to_png(_draw())).info
