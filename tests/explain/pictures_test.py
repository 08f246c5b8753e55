import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from synthmed_jax.explain import pictures
from synthmed_jax.explain.lime import Explanation
from synthmed_jax.explain.predictor import make_view
from synthmed_jax.figure_png import to_png

SEGMENTS = np.repeat(np.repeat(np.arange(4, dtype=np.int32).reshape(2, 2), 8, 0), 8, 1)
WEIGHTS = np.array([0.01, 0.125, 0.25, -0.5])


def _explanation(image, weights=WEIGHTS, errors=None):
    view = make_view(image, SEGMENTS)
    both = np.stack([-weights, weights], axis=1)
    return Explanation(view, 1, np.array([0.3, 0.7]), both, errors, np.array([0.8, 0.8]), 100)


@pytest.fixture
def explanation():
    return _explanation(np.random.default_rng(0).integers(0, 256, (16, 16, 1)).astype(np.uint8))


def test_heat_map_puts_each_weight_on_its_region(explanation):
    heat = pictures.heat_map(explanation)
    np.testing.assert_array_equal(heat[::8, ::8], [[0.01, 0.125], [0.25, -0.5]])


def test_regions_that_speak_for_the_class_are_the_positive_ones(explanation):
    np.testing.assert_array_equal(
        pictures.speaking_for(explanation), (SEGMENTS == 1) | (SEGMENTS == 2)
    )


def _panels(figure, row, column):
    """The image, its weights and its strongest regions, of one entry of a page."""
    grid = np.array(figure.axes[:-1]).reshape(-1, 7)  # the last is the colour bar
    return grid[row, 4 * column : 4 * column + 3]


def _panels_of_one(figure):
    return figure.axes[:3]


@pytest.fixture
def page(explanation):
    """Two rows of real and synthetic; of the second row's synthetic image there is none."""
    entry = pictures.Entry(explanation, "predicted b 70%, truth $a_{")
    return pictures.draw_page("heading", [[entry, entry], [entry, None]], ["real", "synthetic"])


def test_an_entry_shows_the_image_its_weights_and_what_speaks_for_the_class(page, explanation):
    plain, heat, outlined = _panels(page, 1, 0)
    grey = explanation.view.image[..., 0] / 255
    np.testing.assert_allclose(plain.images[0].get_array()[..., 1], grey, atol=1e-6)
    # On a scale of its own, whose ends are equally far from nothing.
    shown = heat.images[0]
    np.testing.assert_allclose(shown.get_array(), WEIGHTS[SEGMENTS] / 0.5)
    assert shown.get_clim() == (-1, 1)
    assert [(text.get_text(), text.get_position()) for text in heat.texts] == [
        ("\N{MINUS SIGN}", (11, 11)),  # region 3, and the others in the order of their weights
        ("+", (3, 11)),
        ("+", (11, 3)),
    ]
    # Regions 1 and 2 are bright and have an outline, all else is dimmed.
    loud = (SEGMENTS == 1) | (SEGMENTS == 2)
    dimmed = outlined.images[0].get_array()[..., 1]
    np.testing.assert_allclose(dimmed, np.where(loud, grey, grey / 2), atol=1e-6)
    lines = [line for collection in outlined.collections for line in collection.get_segments()]
    # Two squares of eight pixels, each with four sides; they touch in a corner.
    assert len(lines) == 2 * 4 * 8
    ends = {tuple(end) for line in lines for end in line}
    assert {(7.5, -0.5), (15.5, -0.5), (7.5, 7.5), (15.5, 7.5), (-0.5, 7.5), (-0.5, 15.5)} <= ends
    assert (15.5, 15.5) not in ends


def test_titles_name_the_column_the_verdict_and_the_scale(page):
    titles = [[_panels(page, i, j)[0].texts[0].get_text() for j in range(2)] for i in range(2)]
    verdict = "predicted b 70%, truth $a_{, weights to 0.5"
    assert titles == [[f"real, {verdict}", f"synthetic, {verdict}"], [f"real, {verdict}",
                      "synthetic, none"]]  # fmt: skip
    assert page.get_suptitle() == "heading"


@pytest.mark.parametrize(
    ("error", "words"), [(0.1, ""), (np.nan, "\nHow sure these weights are is not known")]
)
def test_a_title_says_that_it_is_not_known_how_sure_the_weights_are(explanation, error, words):
    unsure = _explanation(explanation.view.image, errors=np.full((4, 2), error))
    page = pictures.draw_page("", [[pictures.Entry(unsure, "x")]], ["real"])
    assert _panels_of_one(page)[0].texts[0].get_text() == f"real, x, weights to 0.5{words}"


def test_a_gap_shows_nothing_but_its_title(page):
    for panel in _panels(page, 1, 1):
        assert list(panel.images) + list(panel.collections) == []
        assert not panel.axison


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_page_has_symmetric_colours(channels, dtype):
    image = np.random.default_rng(0).integers(0, 256, (16, 16, channels)).astype(dtype)
    entry = pictures.Entry(_explanation(image), "predicted b 70%, truth $a_{")
    figure = pictures.draw_page("class", [[entry, entry], [entry, None]], ["real", "synthetic"])
    with Image.open(io.BytesIO(to_png(figure))) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    height, width = pixels.shape[:2]
    assert 900 < width < 1700
    assert 300 < height < 800
    # Each region has the colour of its weight over the largest, away from the sign in its middle:
    # red for, blue against.
    for row, column in [(0, 0), (0, 1), (1, 0)]:
        heat = _panels(figure, row, column)[1]
        for x, y in [(1, 1), (14, 1), (1, 14), (14, 14)]:
            right, up = heat.transData.transform((x, y))
            wanted = matplotlib.colormaps["RdBu_r"](0.5 + WEIGHTS[SEGMENTS[y, x]])[:3]
            seen = pixels[height - 1 - int(up), int(right)]
            np.testing.assert_allclose(seen, 255 * np.array(wanted), atol=1)
    # Region 3 has the largest magnitude: the deepest blue (negative); the deepest red is on the
    # colour bar alone.
    blue, red = np.array([5, 48, 97]), np.array([103, 0, 31])
    panels = pixels[:, : int(0.9 * width)]
    assert (np.abs(panels - blue).sum(axis=-1) < 12).sum() > 3000
    assert (np.abs(panels - red).sum(axis=-1) < 12).sum() == 0


def test_an_image_without_any_weight_is_drawn_without_signs_and_outlines(explanation):
    blank = pictures.Entry(_explanation(explanation.view.image, np.zeros(4)), "x")
    _, heat, outlined = _panels(pictures.draw_page("", [[blank, None]], ["a", "b"]), 0, 0)
    np.testing.assert_array_equal(heat.images[0].get_array(), np.zeros((16, 16)))
    assert list(heat.texts) + list(outlined.collections) == []


def test_same_explanations_same_bytes(explanation):
    entry = pictures.Entry(explanation, "x")
    first, again = (to_png(pictures.draw_page("class", [[entry]], ["real"])) for _ in range(2))
    assert first == again
