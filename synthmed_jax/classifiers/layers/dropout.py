"""Dropout over the global batch."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from synthmed_jax import parallel


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
        local = x.shape[0]
        size = parallel.batch_size(local, self.axis_name) if self.axis_name else local
        shape = (size, *x.shape[1:])
        stays = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.rate, shape)
        if self.axis_name:
            stays = stays[parallel.example_indices(local, self.axis_name)]
        return jnp.where(stays, x / (1 - self.rate), 0)
