"""The random weights that torch and torchvision start a network from."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.nn.initializers import Initializer

# torchvision: kaiming_normal_(mode="fan_out", nonlinearity="relu"), std = sqrt(2 / fan_out).
conv_kernel: Initializer = nn.initializers.variance_scaling(2.0, "fan_out", "normal")

# torch.nn.Linear: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for the weight, and for the bias likewise.
linear_kernel: Initializer = nn.initializers.variance_scaling(1.0 / 3.0, "fan_in", "uniform")


def linear_bias(fan_in: int) -> Callable[..., jax.Array]:
    """Returns the initialiser of the bias of a torch Linear layer with `fan_in` inputs."""
    bound = fan_in**-0.5

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init
