"""Group normalisation (Wu & He 2018) with few passes over its input, forward and backward.

Everything that crosses pixels is a sum of x, x^2, dy or dy x over the pixels of one channel. With
those [B,C] sums, a few small formulas give a scale and a shift for each channel, and both y and dx
are one element-wise pass. Automatic differentiation of the textbook form takes about twice as many.
"""

from __future__ import annotations

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp


def _channel_sums(x: jax.Array) -> jax.Array:
    """Sums over pixels, f32[B,P,C] -> f32[B,C], as a product with ones: a matmul's speed."""
    ones = jnp.ones((x.shape[0], 1, x.shape[1]), x.dtype)
    return jnp.matmul(ones, x, precision=jax.lax.Precision.HIGHEST)[:, 0]


def _group_means(sums: jax.Array, groups: int, pixels: int) -> jax.Array:
    """Means over a group's channels and pixels, repeated for each channel: f32[B,C] -> f32[B,C]."""
    b, channels = sums.shape
    of_group = sums.reshape(b, groups, channels // groups).mean(axis=2) / pixels
    return jnp.repeat(of_group, channels // groups, axis=1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def group_norm(
    x: jax.Array, scale: jax.Array, bias: jax.Array, groups: int, epsilon: float
) -> jax.Array:
    """Normalises each group of channels of each image to mean 0 and variance 1, then scales.

    Args:
      x: f32[B,P,C], P pixels.
      scale, bias: f32[C].
      groups: G, a divisor of C.
      epsilon: added to the variance.

    Returns:
      f32[B,P,C].
    """
    return _forward(x, scale, bias, groups, epsilon)[0]


def _forward(
    x: jax.Array, scale: jax.Array, bias: jax.Array, groups: int, epsilon: float
) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    pixels = x.shape[1]
    mean = _group_means(_channel_sums(x), groups, pixels)
    square = _group_means(_channel_sums(x * x), groups, pixels)
    inverse = jax.lax.rsqrt(jnp.maximum(square - mean * mean, 0) + epsilon)
    gain = inverse * scale[None]
    y = x * gain[:, None] + (bias[None] - mean * gain)[:, None]
    return y, (x, scale, mean, inverse)


def _backward(
    groups: int, epsilon: float, residuals: tuple[jax.Array, ...], dy: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    del epsilon
    x, scale, mean, inverse = residuals
    pixels = x.shape[1]
    sum_dy = _channel_sums(dy)
    # Sum of dy * x_hat, with x_hat = (x - mean) * inverse.
    sum_dy_hat = (_channel_sums(dy * x) - mean * sum_dy) * inverse
    # dx = inverse * (g - mean(g) - x_hat mean(g x_hat)) with g = dy * scale, means over the group.
    of_g = _group_means(sum_dy * scale[None], groups, pixels)
    of_g_hat = _group_means(sum_dy_hat * scale[None], groups, pixels)
    from_dy = inverse * scale[None]
    from_x = -inverse * inverse * of_g_hat
    constant = -inverse * of_g - from_x * mean
    dx = dy * from_dy[:, None] + x * from_x[:, None] + constant[:, None]
    return dx, sum_dy_hat.sum(axis=0), sum_dy.sum(axis=0)


group_norm.defvjp(_forward, _backward)


class GroupNorm(nn.Module):
    """`flax.linen.GroupNorm` of images, with the same parameters and epsilon.

    Attributes:
      num_groups: G, a divisor of the channels.
    """

    num_groups: int
    epsilon: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """f32[B,H,W,C] -> f32[B,H,W,C]; sums are float32 whatever the type of x."""
        channels = x.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        flat = x.astype(jnp.float32).reshape(x.shape[0], -1, channels)
        y = group_norm(flat, scale, bias, self.num_groups, self.epsilon)
        return y.reshape(x.shape).astype(x.dtype)
