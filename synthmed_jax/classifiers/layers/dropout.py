"""Dropout over the global batch."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax


class Dropout(nn.Module):
    """Sets values to zero and scales the others up, as torch.nn.Dropout (Srivastava et al. 2014).

    (Flax's would draw the same mask on every device, or masks that depend on how many there are.)

    Attributes:
      rate: share of values that are dropped, 0 to below 1.
      axis_name: the pmap axis over which the global batch is spread; None: this device has it all.
    """

    rate: float
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,...] of f[B,...]; with `train` draws from the key "dropout"."""
        if not train or self.rate == 0:
            return x
        first: jax.Array | int = 0
        shape = x.shape
        if self.axis_name is not None:
            shape = (x.shape[0] * lax.axis_size(self.axis_name), *x.shape[1:])
            first = lax.axis_index(self.axis_name) * x.shape[0]
        stays = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.rate, shape)
        here = lax.dynamic_slice_in_dim(stays, first, x.shape[0])
        return jnp.where(here, x / (1 - self.rate), 0)
