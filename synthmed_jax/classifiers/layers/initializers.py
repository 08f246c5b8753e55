"""The random weights that torch and torchvision start networks from."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.nn.initializers import Initializer
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import DTypeLike

# kaiming_normal_, std = sqrt(2 / fan_out) or sqrt(2 / fan_in).
fan_out: Initializer = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
fan_in: Initializer = nn.initializers.variance_scaling(2.0, "fan_in", "normal")

# torch's default, for convolutions and linear layers: U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
uniform: Initializer = nn.initializers.variance_scaling(1.0 / 3.0, "fan_in", "uniform")

zeros: Initializer = nn.initializers.zeros


def normal(deviation: float) -> Initializer:
    """N(0, deviation^2)."""
    return nn.initializers.normal(deviation)


def truncated_normal(deviation: float) -> Initializer:
    """N(0, deviation^2), cut off at -2 and 2 (not at multiples of the deviation): GoogLeNet's."""
    return nn.initializers.truncated_normal(deviation, lower=-2 / deviation, upper=2 / deviation)


def uniform_bias(fan_in: int) -> Initializer:
    """torch's default bias of a layer with `fan_in` inputs: U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    bound = fan_in**-0.5

    def init(
        key: jax.Array,
        shape: Sequence[int],
        dtype: DTypeLike | None = None,
        out_sharding: NamedSharding | PartitionSpec | None = None,
    ) -> jax.Array:
        return jax.random.uniform(key, shape, dtype or jnp.float32, -bound, bound)

    return init
