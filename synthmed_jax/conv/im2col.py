"""Convolutions of any shape, as matmuls with the pixels under the kernel, per output pixel."""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jax import lax

from synthmed_jax.conv.geometry import LAYOUT, Padding, in_chunks, result_sides
from synthmed_jax.conv.gradients import with_gradients

# With at most this many output pixels per image, im2col is faster than XLA in all directions:
# forward, and both gradients.
FEW_PIXELS = 64

Geometry = tuple[tuple[int, ...], tuple[int, int], Padding]  # kernel's sides, strides, padding


def shifted(x: jax.Array, geometry: Geometry) -> list[jax.Array]:
    """The pixel under each entry of the kernel, at every output pixel: k*k of f32[b,h,w,C]."""
    (k_h, k_w), (s_h, s_w), pads = geometry
    height, width = result_sides(x.shape, (k_h, k_w), (s_h, s_w), pads)
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    b, channels = x.shape[0], x.shape[3]
    return [
        lax.slice(
            x,
            (0, i, j, 0),
            (b, i + (height - 1) * s_h + 1, j + (width - 1) * s_w + 1, channels),
            (1, s_h, s_w, 1),
        )
        for i in range(k_h)
        for j in range(k_w)
    ]


def _columns(x: jax.Array, geometry: Geometry) -> jax.Array:
    """The pixels under the kernel at every output pixel: f32[b,H,W,C] -> f32[b,h,w,k*k*C]."""
    return jnp.concatenate(shifted(x, geometry), axis=3)


def _xla(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, strides, pads, dimension_numbers=LAYOUT)


def _gradients(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, strides: tuple[int, int], pads: Padding
) -> tuple[jax.Array, jax.Array]:
    geometry = (kernel.shape[:2], strides, pads)
    matrix = kernel.reshape(-1, kernel.shape[3])
    columns_of = functools.partial(_columns, geometry=geometry)
    bytes_per_image = 4 * math.prod(dy.shape[1:3]) * matrix.shape[0]
    x_chunks, dy_chunks = in_chunks(x, bytes_per_image), in_chunks(dy, bytes_per_image)
    if math.prod(dy.shape[1:3]) <= FEW_PIXELS:
        scatter = jax.linear_transpose(columns_of, x_chunks[0])
        dx = lax.map(lambda chunk: scatter(jnp.dot(chunk, matrix.T))[0], dy_chunks)
        dx = dx.reshape(x.shape)
    else:
        (dx,) = jax.linear_transpose(lambda v: _xla(v, kernel, strides, pads), x)(dy)

    def add_chunk(total: jax.Array, chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        columns = columns_of(chunk[0]).reshape(-1, matrix.shape[0])
        features = chunk[1].reshape(-1, matrix.shape[1])
        return total + lax.dot_general(columns, features, (((0,), (0,)), ((), ()))), None

    dmatrix, _ = lax.scan(add_chunk, jnp.zeros(matrix.shape), (x_chunks, dy_chunks))
    return dx, dmatrix.reshape(kernel.shape)


@with_gradients(_gradients)
def convolve(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D], by one matmul per chunk of images."""
    geometry = (kernel.shape[:2], strides, pads)
    shape = jax.eval_shape(functools.partial(_columns, geometry=geometry), x).shape
    if shape[1] * shape[2] > FEW_PIXELS:
        return _xla(x, kernel, strides, pads)
    matrix = kernel.reshape(-1, kernel.shape[3])
    chunks = in_chunks(x, 4 * math.prod(shape[1:]))
    y = lax.map(lambda chunk: jnp.dot(_columns(chunk, geometry), matrix), chunks)
    return y.reshape(*shape[:3], kernel.shape[3])
