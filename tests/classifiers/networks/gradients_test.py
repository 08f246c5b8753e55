"""One training step of whole networks, gradients and statistics, against torchvision in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from synthmed_jax import classifiers, conv
from synthmed_jax.classifiers.layers.make import Layers
from synthmed_jax.classifiers.weights import torchvision


def one_step(name, variables, images):
    """Gradients and running statistics of one training step without dropout."""
    layers = Layers(conv_general_dilated=conv.conv_general_dilated)
    dropout = {"dropout": 0.0} if name == "alexnet" else {}
    module = classifiers.create(name, 1000, layers=layers, **dropout)
    labels = jnp.arange(0, 800, 100)

    @jax.jit
    def gradients(variables):
        def loss(params):
            logits, updates = module.apply(
                {**variables, "params": params}, images, train=True, mutable=["batch_stats"]
            )
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
            return losses.mean(), updates

        return jax.grad(loss, has_aux=True)(variables["params"])

    params, updates = gradients(variables)
    return {"batch_stats": {}, "params": params, **updates}


@pytest.mark.parametrize("name", ["resnet18", "alexnet"])
def test_gradients_and_statistics_are_torchvisions(golden, golden_gradients, name):
    state_dict, (measured, direction) = golden(name).state_dict, golden_gradients
    names = list(state_dict)

    def as_ours(arrays):
        return torchvision.from_state_dict(name, arrays, 1000)

    # Each array of ours beside its torchvision name, and beside the direction of that name.
    places = as_ours(
        {key: np.broadcast_to(np.float32(i), state_dict[key].shape) for i, key in enumerate(names)}
    )
    along = as_ours({key: direction(key, array.shape) for key, array in state_dict.items()})
    found = one_step(name, as_ours(state_dict), golden(name).images(64, 8))
    seen = set()
    for place, towards, array in zip(*map(jax.tree.leaves, (places, along, found)), strict=True):
        key = f"{name}/{names[int(place.flat[0])]}"
        array = np.asarray(array)
        norm, product = measured[key]
        assert np.sqrt(np.sum(array**2, dtype=float)) == pytest.approx(norm, rel=3e-5), key
        assert np.sum(array * towards, dtype=float) == pytest.approx(product, abs=1e-4 * norm), key
        seen.add(key)
    assert seen == {key for key in measured if key.startswith(f"{name}/")}
