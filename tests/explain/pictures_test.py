import numpy as np
import pytest
from PIL import Image

from synthmed_jax.explain import pictures
from synthmed_jax.explain.lime import Explanation
from synthmed_jax.explain.predictor import make_view

SEGMENTS = np.repeat(np.repeat(np.arange(4, dtype=np.int32).reshape(2, 2), 8, 0), 8, 1)
WEIGHTS = np.array([0.01, 0.125, 0.25, -0.5])


def _explanation(image, weights=WEIGHTS):
    view = make_view(image, SEGMENTS)
    both = np.stack([-weights, weights], axis=1)
    return Explanation(view, 1, np.array([0.3, 0.7]), both, None, np.array([0.8, 0.8]))


@pytest.fixture
def explanation():
    return _explanation(np.random.default_rng(0).integers(0, 256, (16, 16, 1)).astype(np.uint8))


def test_heat_map_puts_each_weight_on_its_region(explanation):
    heat = pictures.heat_map(explanation)
    np.testing.assert_array_equal(heat[::8, ::8], [[0.01, 0.125], [0.25, -0.5]])


def test_strongest_regions_are_largest_first_and_none_of_them_noise():
    assert pictures.strongest(WEIGHTS) == [3, 2, 1]
    assert pictures.strongest(WEIGHTS, 2) == [3, 2]
    assert pictures.strongest(np.zeros(4)) == []


def test_regions_that_speak_for_the_class_are_the_positive_ones(explanation):
    np.testing.assert_array_equal(
        pictures.speaking_for(explanation), (SEGMENTS == 1) | (SEGMENTS == 2)
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_page_has_symmetric_colours_and_gaps(tmp_path, channels, dtype):
    image = np.random.default_rng(0).integers(0, 256, (16, 16, channels)).astype(dtype)
    entry = pictures.Entry(_explanation(image), "predicted b 70%, truth $a_{")
    path = tmp_path / "page.png"
    pictures.draw_page(path, "class", [[entry, entry], [entry, None]], ["real", "synthetic"])
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    height, width = pixels.shape[:2]
    assert 900 < width < 1700
    assert 300 < height < 800
    # Region 3 has the largest magnitude: the deepest blue (negative); the deepest red is on the
    # colour bar alone.
    blue, red = np.array([5, 48, 97]), np.array([103, 0, 31])
    panels = pixels[:, : int(0.9 * width)]
    assert (np.abs(panels - blue).sum(axis=-1) < 12).sum() > 3000
    assert (np.abs(panels - red).sum(axis=-1) < 12).sum() == 0


def test_same_explanations_same_bytes(tmp_path, explanation):
    entry = pictures.Entry(explanation, "x")
    for name in ("a.png", "b.png"):
        pictures.draw_page(tmp_path / name, "class", [[entry]], ["real"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
