import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.explain.predictor import Predictor, hide, make_view

SEGMENTS = np.array([[0, 0, 1], [0, 2, 1], [2, 2, 1]], np.int32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_hidden_regions_take_the_mean_colour(channels, dtype):
    image = np.random.default_rng(0).integers(0, 256, (3, 3, channels)).astype(dtype)
    view = make_view(image, SEGMENTS)
    masks = np.array([[True, True, True], [True, False, True], [False, False, False]])
    found = np.asarray(hide(view, masks))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[0], image)
    kept = SEGMENTS != 1
    np.testing.assert_array_equal(found[1][kept], image[kept])
    mean = image.astype(float).mean(axis=(0, 1))
    tolerance = 0.5 if dtype == np.uint8 else 1e-4
    np.testing.assert_allclose(found[1][~kept], np.tile(mean, (3, 1)), atol=tolerance)
    np.testing.assert_allclose(found[2], np.tile(mean, (3, 3, 1)), atol=tolerance)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_the_network_sees_the_perturbed_images_whatever_the_batches(batch_size):
    def logits(scale, images):
        flat = images.reshape(len(images), -1).astype(jnp.float32)
        return scale * jnp.stack([flat.mean(axis=1), flat[:, 0], flat.max(axis=1)], axis=-1)

    image = np.random.default_rng(1).integers(0, 256, (3, 3, 1)).astype(np.uint8)
    view = make_view(image, SEGMENTS)
    masks = np.random.default_rng(2).random((23, 3)) < 0.5
    predictor = Predictor(logits, jnp.float32(0.01), batch_size)
    found = predictor.masked(view, masks)
    images = np.asarray(hide(view, masks))
    np.testing.assert_allclose(found, predictor.probabilities(images), atol=1e-6)
    np.testing.assert_allclose(found, jax.nn.softmax(logits(np.float32(0.01), images)), atol=1e-6)
    assert found.shape == (23, 3)


def test_one_program_serves_views_of_different_numbers_of_regions():
    traced = []

    def logits(_, images):
        traced.append(images.shape)
        return images.reshape(len(images), -1)[:, :2].astype(jnp.float32)

    predictor = Predictor(logits, jnp.zeros(()), 8)
    for regions in (2, 5, 9):
        segments = np.arange(9, dtype=np.int32).reshape(3, 3) % regions
        view = make_view(np.ones((3, 3, 1), np.uint8), segments)
        predictor.masked(view, np.ones((4, regions), bool))
    assert len(traced) == 1
