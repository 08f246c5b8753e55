"""Batch normalisation with torch's conventions, over the global batch."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.typing import DTypeLike

from synthmed_jax import parallel
from synthmed_jax.errors import UserError


class BatchNorm(nn.Module):
    """Normalises each channel as torch.nn.BatchNorm2d does (Ioffe & Szegedy 2015, algorithm 1).

    In training, the batch is normalised by its biased variance, and the running statistics become
    0.9 * running + 0.1 * batch, with the unbiased variance. (Flax's BatchNorm has the biased
    variance in its running statistics, and by default computes it as E[x^2] - E[x]^2, which
    cancels digits.)

    Attributes:
      axis_name: the pmap axis over which the global batch is spread; None: this device has it all.
      momentum: the weight of the new batch in the running statistics.
      epsilon: added to the variance.
      dtype: of the result; statistics are always float32. None: the input's.
    """

    axis_name: str | None = None
    momentum: float = 0.1
    epsilon: float = 1e-5
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns the normalised f[B,H,W,C]; with `train` also updates "batch_stats".

        Raises:
          UserError: in training, with one value per channel in the whole batch: no variance.
        """
        channels = x.shape[-1:]
        scale = self.param("scale", nn.initializers.ones_init(), channels, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), channels, jnp.float32)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
        running_var = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)

        dtype = self.dtype or x.dtype
        x = x.astype(jnp.float32)
        if train and not self.is_initializing():
            mean, var, count = self._global_moments(x)
            keep = 1.0 - self.momentum
            running_mean.value = keep * running_mean.value + self.momentum * mean
            unbiased = var * (count / (count - 1))
            running_var.value = keep * running_var.value + self.momentum * unbiased
        else:
            mean, var = running_mean.value, running_var.value

        gain = scale * lax.rsqrt(var + self.epsilon)
        row = (1,) * (x.ndim - 1) + channels
        y = (x - mean.reshape(row)) * gain.reshape(row) + bias.reshape(row)
        return y.astype(dtype)

    def _global_moments(self, x: jax.Array) -> tuple[jax.Array, jax.Array, int]:
        """Returns mean and biased variance of each channel, and the global number of values."""
        axes = tuple(range(x.ndim - 1))
        count = x.size // x.shape[-1]
        mean = parallel.weighted(x).mean(axes)
        if self.axis_name is not None:
            count = count // x.shape[0] * parallel.batch_size(x.shape[0], self.axis_name)
            mean = lax.pmean(mean, self.axis_name)
        if count < 2:
            raise UserError(
                "batch normalisation needs more than one value per channel in training, but this "
                f"network has shrunk a batch of one image to {x.shape[1:-1]} pixels: "
                "raise the classifier's batch size or image size."
            )
        # A second pass over x, around the global mean: E[x^2] - E[x]^2 would cancel digits.
        squares = jnp.square(x - mean.reshape((1,) * len(axes) + mean.shape))
        var = parallel.weighted(squares).mean(axes)
        if self.axis_name is not None:
            var = lax.pmean(var, self.axis_name)
        return mean, var, count
