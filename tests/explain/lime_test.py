import dataclasses
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from synthmed_jax.data.sets import phantom_drawing
from synthmed_jax.errors import UserError
from synthmed_jax.explain import lime
from synthmed_jax.explain.masks import SAMPLINGS
from synthmed_jax.explain.predictor import Predictor
from tests.explain.conftest import quadrant_logits

SIZE = 32


def _phantoms(count):
    return np.stack([phantom_drawing.draw(0, i % 4, i, SIZE)[0] for i in range(count)])[..., None]


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_quadrant_that_decides_gets_the_weight(quadrant, discs, settings, sampling, channels):
    image = np.repeat(discs, channels, axis=-1)[None]
    settings = dataclasses.replace(settings, sampling=sampling)
    (found,) = lime.explain(quadrant, image, settings, np.array([1]))
    region = found.label_weights.argmax()
    rows, columns = np.nonzero(found.view.segments == region)
    assert rows.min() >= SIZE // 2 - 1
    assert columns.max() <= SIZE // 2
    # Regions wholly outside the quadrant get next to nothing.
    inside = np.unique(found.view.segments[SIZE // 2 :, : SIZE // 2])
    outside = np.delete(found.label_weights, inside)
    assert np.abs(outside).max() < found.label_weights[region] / 4
    assert found.r2[1] > 0.8
    assert found.label == 1


def test_floats_of_any_range_are_explained_like_grey_levels(discs, settings):
    whole = Predictor(quadrant_logits, np.float32(4), 64)
    scaled = Predictor(quadrant_logits, np.float32(4 * 255), 64)
    (a,) = lime.explain(whole, discs[None], settings)
    (b,) = lime.explain(scaled, discs[None].astype(np.float32) / 255, settings)
    np.testing.assert_allclose(a.weights, b.weights, atol=2e-3)  # the fill is rounded in grey


def test_same_seed_same_answer_whatever_the_batch_size_and_the_neighbours(settings):
    images = _phantoms(3)
    whole = lime.explain(Predictor(quadrant_logits, np.float32(4), 64), images, settings)
    other = Predictor(quadrant_logits, np.float32(4), 37)
    for one, again in zip(whole, lime.explain(other, images, settings), strict=True):
        np.testing.assert_array_equal(one.view.segments, again.view.segments)
        np.testing.assert_allclose(one.weights, again.weights, atol=1e-5)
    (alone,) = lime.explain(other, images[2:], settings)
    np.testing.assert_allclose(alone.weights, whole[2].weights, atol=1e-5)
    (differs,) = lime.explain(other, images[2:], dataclasses.replace(settings, seed=1))
    assert np.abs(differs.weights - alone.weights).max() > 1e-5


@pytest.mark.parametrize("channels", [1, 3])
def test_the_package_finds_the_same_weights(crossed, channels):
    image = np.repeat(_phantoms(1), channels, axis=-1)
    ours = lime.LimeSettings("jax", 200, 0.0, "bernoulli", "none", "slic", 40, seed=3)
    theirs = dataclasses.replace(ours, engine="lime")
    (a,), (b,) = lime.explain(crossed, image, ours), lime.explain(crossed, image, theirs)
    assert np.abs(a.weights).max() > 1e-3
    np.testing.assert_allclose(a.weights, b.weights, atol=1e-4 * np.abs(b.weights).max())
    np.testing.assert_allclose(a.r2, b.r2, atol=1e-4)
    assert a.label == b.label
    assert a.standard_errors is not None
    assert b.standard_errors is None


def test_the_masks_that_are_reported_are_those_that_were_drawn(settings):
    assert settings.as_done() == settings
    assert settings.sampling == "balanced"
    package = dataclasses.replace(settings, engine="lime", control="logistic").as_done()
    assert package == dataclasses.replace(package, sampling="bernoulli", control="none")
    assert package.engine == "lime"


def test_the_package_prints_no_progress_bar(quadrant, capfd, settings):
    lime.explain(quadrant, _phantoms(1), dataclasses.replace(settings, engine="lime"))
    assert capfd.readouterr() == ("", "")


def test_weights_of_a_region_sum_to_nothing_over_the_classes(quadrant, settings):
    (found,) = lime.explain(quadrant, _phantoms(1), settings)
    assert found.label == found.probabilities.argmax()
    np.testing.assert_allclose(found.weights.sum(axis=1), 0, atol=1e-6)


def test_a_constant_image_can_be_explained(quadrant, settings):
    (found,) = lime.explain(quadrant, np.zeros((1, SIZE, SIZE, 1), np.float32), settings)
    np.testing.assert_allclose(found.weights, 0, atol=1e-7)


def test_refuses_other_images_and_settings(quadrant, settings):
    with pytest.raises(ValueError, match=r"\[N,S,S,1\]"):
        lime.explain(quadrant, np.zeros((1, SIZE, SIZE), np.uint8), settings)
    with pytest.raises(ValueError, match="float64"):
        lime.explain(quadrant, np.zeros((1, SIZE, SIZE, 1)), settings)
    for field, value in [
        ("engine", "lyme"),
        ("sampling", "x"),
        ("control", "x"),
        ("segmentation", "x"),
    ]:
        with pytest.raises(UserError, match=f"config.explain.{field}"):
            dataclasses.replace(settings, **{field: value})
    for field, value in [("num_samples", 1), ("regions", 1), ("seed", -1)]:
        with pytest.raises(UserError, match=f"config.explain.{field}"):
            dataclasses.replace(settings, **{field: value})


ON_ONE_DEVICE = """
import sys
import jax, numpy as np
from synthmed_jax.explain import lime
from synthmed_jax.explain.predictor import Predictor
from tests.explain.conftest import quadrant_logits

assert jax.local_device_count() == 1
settings = lime.LimeSettings("jax", 300, 0.0, "balanced", "logistic", "slic", 40, 0)
image = np.load(sys.argv[1])
(found,) = lime.explain(Predictor(quadrant_logits, np.float32(4), 50), image, settings)
np.save(sys.argv[2], found.weights)
"""


def test_one_device_or_two_find_the_same_weights(tmp_path, quadrant, settings):
    image = _phantoms(1)
    np.save(tmp_path / "image.npy", image)
    (here,) = lime.explain(quadrant, image, settings)
    root = pathlib.Path(__file__).parents[2]
    files = [tmp_path / name for name in ("image.npy", "weights.npy")]
    subprocess.run([sys.executable, "-c", ON_ONE_DEVICE, *files], check=True, cwd=root)
    assert np.abs(here.weights).max() > 1e-3
    np.testing.assert_allclose(np.load(files[1]), here.weights, atol=1e-5)
