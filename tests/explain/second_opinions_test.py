import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.classifiers.inputs import normalise
from synthmed_jax.classifiers.networks import BACKBONES, create
from synthmed_jax.explain.predictor import Predictor, make_view
from synthmed_jax.explain.second_opinions import GradCam, mean_by_region, occlusion
from synthmed_jax.explain.segmentation import segment


def _view(discs):
    return make_view(discs, segment(discs, "slic", 40))


def test_occlusion_is_what_hiding_a_region_costs(quadrant, discs):
    view = _view(discs)
    found = occlusion(quadrant, view, 1)
    whole = quadrant.probabilities(discs[None])[0, 1]
    region = int(found.argmax())
    hidden = np.where((view.segments == region)[..., None], view.fill, discs)
    np.testing.assert_allclose(
        found[region], whole - quadrant.probabilities(hidden[None])[0, 1], atol=1e-6
    )
    outside = np.delete(found, np.unique(view.segments[16:, :16]))
    np.testing.assert_allclose(outside, 0, atol=1e-6)


class Tiny(nn.Module):
    """A convolution whose map is read by a linear head; then one of a single pixel."""

    @nn.compact
    def __call__(self, x):
        features = nn.Conv(2, (1, 1), name="map")(x)
        pixel = nn.Conv(3, features.shape[1:3], padding="VALID", name="pixel")(features)
        return nn.Dense(2)(pixel.reshape(len(x), -1))


def test_grad_cam_is_the_formula_on_the_last_map_that_is_not_a_pixel(discs):
    network, image = Tiny(), discs.astype(np.float32) / 255
    variables = network.init(jax.random.key(0), image[None])
    view = make_view(image, segment(image, "grid", 16))
    predictor = Predictor(network.apply, variables, 8)
    for label in range(2):
        found = GradCam(predictor)(view, label)
        features = nn.Conv(2, (1, 1)).apply({"params": variables["params"]["map"]}, image[None])

        def head(a, label=label):
            pixel = nn.Conv(3, (32, 32), padding="VALID").apply(
                {"params": variables["params"]["pixel"]}, a
            )
            dense = {"params": variables["params"]["Dense_0"]}
            return nn.Dense(2).apply(dense, pixel.reshape(1, -1))[0, label]

        alpha = jax.grad(head)(features).mean(axis=(0, 1, 2))
        assert (np.asarray(features) < 0).any()  # a map before its ReLU, which is taken after it
        heat = np.maximum(np.maximum(np.asarray(features[0]), 0) @ np.asarray(alpha), 0)
        np.testing.assert_allclose(found, mean_by_region(heat, view.segments), atol=1e-5)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_network_has_a_map_of_four_pixels_or_more(backbone):
    network = create(backbone, 3)
    size = max(BACKBONES[backbone].smallest.published, 64)
    images = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
    variables = jax.eval_shape(lambda x: network.init(jax.random.key(0), x, train=False), images)

    def logits(own, x):
        return network.apply(own, normalise(x), train=False)

    # Shapes are enough: nothing is computed.
    cam = GradCam.__new__(GradCam)
    cam._predictor = type("Shapes", (), {"logits": staticmethod(logits)})
    _, shape = cam._last_map(variables, images)
    assert min(shape[1:3]) >= 3
    assert jax.eval_shape(cam._map, variables, images, 0).shape == (size, size)


def test_mean_by_region():
    values = np.array([[1.0, 2.0], [3.0, 6.0]])
    np.testing.assert_array_equal(mean_by_region(values, np.array([[0, 0], [1, 0]])), [3, 3])
