import numpy as np
import pytest
from PIL import Image

from synthmed_jax.explain import lime, pictures

SEGMENTS = np.repeat(np.repeat(np.arange(4, dtype=np.int32).reshape(2, 2), 8, 0), 8, 1)


@pytest.fixture
def explanation():
    return lime.Explanation(
        segments=SEGMENTS,
        label=1,
        probabilities=np.array([0.3, 0.7], np.float32),
        weights={0: [(0, 1.0)], 1: [(3, -0.5), (2, 0.25), (1, 0.125), (0, 0.01)]},
        r2=0.8,
    )


def test_heat_map_puts_each_weight_on_its_region(explanation):
    heat = pictures.heat_map(explanation)
    np.testing.assert_array_equal(heat[::8, ::8], [[0.01, 0.125], [0.25, -0.5]])
    assert heat.shape == SEGMENTS.shape


def test_top_regions_are_positive_largest_first_and_no_noise(explanation):
    np.testing.assert_array_equal(pictures.top_regions(explanation, 1), SEGMENTS == 2)
    both = pictures.top_regions(explanation, 5)
    np.testing.assert_array_equal(both, (SEGMENTS == 1) | (SEGMENTS == 2))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_draws_three_panels_with_symmetric_colours(tmp_path, explanation, channels, dtype):
    image = np.random.default_rng(0).integers(0, 256, (16, 16, channels)).astype(dtype)
    path = tmp_path / "picture.png"
    pictures.draw_explanation(path, image, explanation, ("a", "b"), truth=0, title="real")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape == (370, 1050, 3)
    # Region 3 has the largest magnitude: the deepest blue (negative) and no deepest red.
    blue, red = np.array([5, 48, 97]), np.array([103, 0, 31])
    heat = pixels[40:, 340:620]
    assert (np.abs(heat - blue).sum(axis=-1) < 12).sum() > 1000
    assert (np.abs(heat - red).sum(axis=-1) < 12).sum() == 0


def test_same_explanation_same_bytes(tmp_path, explanation):
    image = np.zeros((16, 16, 1), np.uint8)
    for name in ("a.png", "b.png"):
        pictures.draw_explanation(tmp_path / name, image, explanation, ("a", "b"))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
