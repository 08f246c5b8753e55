import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.classifiers.layers.batch_norm import BatchNorm
from synthmed_jax.errors import UserError

EPSILON = 1e-5


@pytest.fixture
def variables():
    rng = np.random.default_rng(0)
    scale, bias, mean, var = rng.uniform(0.5, 1.5, (4, 3)).astype(np.float32)
    return {"params": {"scale": scale, "bias": bias}, "batch_stats": {"mean": mean, "var": var}}


def images(shape=(8, 5, 4, 3), seed=1):
    return np.random.default_rng(seed).normal(3.0, 2.0, shape).astype(np.float32)


def training(axis_name):
    """Returns a function of (variables, x, weights): output, running statistics and gradients.

    The loss is a sum over the batch, so that gradients of shards add up to those of the whole.
    """
    module = BatchNorm(axis_name=axis_name)

    def loss(params, x, weights, stats):
        y, updates = module.apply(
            {"params": params, "batch_stats": stats}, x, True, mutable=["batch_stats"]
        )
        return jnp.sum(weights * y**3), (y, updates["batch_stats"])

    def run(variables, x, weights):
        gradients, (y, stats) = jax.grad(loss, (0, 1), has_aux=True)(
            variables["params"], x, weights, variables["batch_stats"]
        )
        of_params, of_x = gradients
        if axis_name is not None:
            of_params = jax.lax.psum(of_params, axis_name)
        return y, stats, of_params, of_x

    return run


def test_training_is_the_closed_form(variables):
    x = images()
    y, stats, _, _ = jax.jit(training(None))(variables, x, np.ones_like(x))
    mean, var = x.mean((0, 1, 2), np.float64), x.var((0, 1, 2), np.float64)
    scale, bias = variables["params"]["scale"], variables["params"]["bias"]
    old = variables["batch_stats"]
    count = 8 * 5 * 4
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + EPSILON) * scale + bias, atol=1e-5)
    np.testing.assert_allclose(stats["mean"], 0.9 * old["mean"] + 0.1 * mean, rtol=1e-6)
    unbiased = var * count / (count - 1)
    np.testing.assert_allclose(stats["var"], 0.9 * old["var"] + 0.1 * unbiased, rtol=1e-6)


def test_inference_uses_the_running_statistics_and_leaves_them(variables):
    x = images()
    y, updates = BatchNorm().apply(variables, x, False, mutable=["batch_stats"])
    old, params = variables["batch_stats"], variables["params"]
    expected = (x - old["mean"]) / np.sqrt(old["var"] + EPSILON) * params["scale"] + params["bias"]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    assert updates["batch_stats"]["mean"] is old["mean"]


def test_a_large_mean_costs_no_digits(variables):
    x = images() + np.float32(1e4)
    _, stats, _, _ = jax.jit(training(None))(variables, x, np.ones_like(x))
    unbiased = x.astype(np.float64).var((0, 1, 2), ddof=1)
    old = variables["batch_stats"]["var"]
    np.testing.assert_allclose(stats["var"], 0.9 * old + 0.1 * unbiased, rtol=1e-4)


@pytest.mark.skipif("len(jax.devices()) < 2")
def test_two_devices_with_unlike_shards_equal_one(variables):
    x = np.concatenate([images((4, 5, 4, 3)), 7.0 - 3.0 * images((4, 5, 4, 3), seed=2)])
    weights = images(seed=3)
    y, stats, of_params, of_x = jax.jit(training(None))(variables, x, weights)

    shards = training("batch")
    mapped = jax.pmap(
        shards,
        axis_name="batch",
        in_axes=(None, 0, 0),
        out_axes=(0, None, None, 0),
        devices=jax.devices()[:2],
    )
    y2, stats2, of_params2, of_x2 = mapped(
        variables, x.reshape(2, 4, 5, 4, 3), weights.reshape(2, 4, 5, 4, 3)
    )
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(y2.reshape(x.shape), y, **close)
    np.testing.assert_allclose(of_x2.reshape(x.shape), of_x, **close)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), stats2, stats)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **close), of_params2, of_params)


def test_one_value_a_channel_has_no_variance(variables):
    with pytest.raises(UserError, match="raise the classifier's batch size or image size"):
        BatchNorm().apply(variables, images((1, 1, 1, 3)), True, mutable=["batch_stats"])


def test_initialising_needs_no_pmap():
    x = jax.ShapeDtypeStruct((1, 1, 1, 3), jnp.float32)
    module = BatchNorm(axis_name="batch")
    made = jax.eval_shape(lambda k, x: module.init(k, x, train=True), jax.random.key(0), x)
    assert set(made) == {"params", "batch_stats"}
