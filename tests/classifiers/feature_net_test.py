import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax.classifiers import feature_net

NETWORK = feature_net.FeatureNet(3)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 1), np.uint8)


def test_features_are_those_that_the_classifier_sees():
    variables = jax.jit(NETWORK.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    found = feature_net.make_features(2)(variables, IMAGES)
    assert found.shape == (5, feature_net.FEATURES)
    assert np.abs(found).max() < 1
    last = variables["params"]["Dense_0"]
    logits = NETWORK.apply(variables, feature_net.normalise(jnp.asarray(IMAGES)))
    kernel, bias = np.asarray(last["kernel"]), np.asarray(last["bias"])
    np.testing.assert_allclose(found @ kernel + bias, logits, atol=1e-5)


def test_the_mean_over_pixels_takes_any_size():
    for side in (16, 32, 48):
        output = jax.eval_shape(
            NETWORK.init_with_output, jax.random.key(0), jnp.zeros((2, side, side, 3))
        )[0]
        assert output.shape == (2, 3)
