import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.classifiers.layers import fully_connected, initializers
from synthmed_jax.classifiers.layers.fully_connected import FullyConnected
from synthmed_jax.classifiers.layers.make import Layers

IMAGES = np.random.default_rng(0).normal(size=(3, 2, 2, 5)).astype(np.float32)
RATE = 0.5


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    monkeypatch.setattr(fully_connected, "WIDTH", 8)


def make(dropout_first, dtype=None):
    return FullyConnected(
        4,
        RATE,
        dropout_first,
        kernel_init=initializers.uniform,
        bias_init=initializers.uniform_bias,
        layers=Layers(dtype=dtype),
    )


def init(module):
    return module.init(jax.random.key(0), IMAGES, train=False)


@pytest.mark.parametrize(("dropout_first", "names"), [(True, "146"), (False, "036")])
def test_inference_is_two_hidden_layers_and_a_linear_one(dropout_first, names):
    module = make(dropout_first)
    variables = init(module)
    assert set(variables["params"]) == set(names)
    # torch flattens channels first.
    x = IMAGES.transpose(0, 3, 1, 2).reshape(3, -1)
    for i, name in enumerate(names):
        layer = variables["params"][name]
        x = x @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
        x = np.maximum(x, 0) if i < 2 else x
    np.testing.assert_allclose(module.apply(variables, IMAGES, train=False), x, atol=1e-5)


@pytest.mark.parametrize("dropout_first", [True, False])
def test_dropout_is_before_or_after_the_hidden_layers(dropout_first):
    module = make(dropout_first)
    variables = init(module)
    # Whatever their input is, both hidden layers give 1 everywhere.
    ones = jax.tree.map(jnp.zeros_like, variables["params"])
    first, second, last = sorted(ones)
    for name in (first, second):
        ones[name]["bias"] = jnp.ones(8)
    ones[last]["kernel"] = jnp.full((8, 4), 1 / 8)
    logits = module.apply({"params": ones}, IMAGES, train=True, rngs={"dropout": jax.random.key(1)})
    # Dropout after a layer makes each of the eight values 0 or 1 / (1 - RATE), of which the logits
    # are the mean; before it, it changes nothing.
    assert np.allclose(logits, 1) == dropout_first
    shares = np.asarray(logits) * 8 * (1 - RATE)
    if not dropout_first:
        np.testing.assert_allclose(shares, shares.round(), atol=1e-5)


def test_the_logits_are_float32_whatever_the_hidden_layers_are():
    module = make(True, jnp.bfloat16)
    variables = init(module)
    logits, inside = module.apply(variables, IMAGES, train=False, capture_intermediates=True)
    assert logits.dtype == jnp.float32
    assert inside["intermediates"]["4"]["__call__"][0].dtype == jnp.bfloat16
