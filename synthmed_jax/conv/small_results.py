"""Convolutions with few results per image, as one matmul per kernel entry that meets a pixel.

Where an image is hardly larger than the kernel, most of the kernel lies on padding: over 2x2 pixels
four of nine entries meet a pixel, over one pixel one of them does, as in the last layers of a
network that sees small images. What lies on padding is not computed here. For the gradient of a
kernel this pays with somewhat more results too: oneDNN takes 1.5 to 2.5 times as long there.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from synthmed_jax.conv.geometry import Padding, result_sides
from synthmed_jax.conv.gradients import with_gradients

# Most results per image (pixels, of any number of channels) for which this is faster than oneDNN on
# two Zen 3 cores, in all directions or in the kernel's gradient, which needs so many channels.
FEW, FEW_FOR_GRADIENT, LEAST_CHANNELS = 4, 16, 64


class _Meeting(NamedTuple):
    """Where results meet pixels through one entry of the kernel, along one axis.

    Attributes:
      entry: its index.
      results, pixels: as many of either.
    """

    entry: int
    results: slice
    pixels: slice


def suits(
    x: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, int], pads: Padding
) -> bool:
    """Whether `convolve` is the fastest way for arrays of these shapes."""
    height, width = result_sides(x, kernel, strides, pads)
    return height * width <= FEW


def suits_gradient(
    x: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, int], pads: Padding
) -> bool:
    """Whether `kernel_gradient` is the fastest way for arrays of these shapes."""
    height, width = result_sides(x, kernel, strides, pads)
    return height * width <= FEW_FOR_GRADIENT and min(kernel[2:]) >= LEAST_CHANNELS


def _gradients(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, strides: tuple[int, int], pads: Padding
) -> tuple[jax.Array, jax.Array]:
    (dx,) = jax.linear_transpose(lambda v: _convolve(v, kernel, strides, pads), x)(dy)
    return dx, kernel_gradient(x, dy, kernel.shape, strides, pads)


@with_gradients(_gradients)
def convolve(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D]."""
    return _convolve(x, kernel, strides, pads)


def _convolve(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> jax.Array:
    height, width = result_sides(x.shape, kernel.shape, strides, pads)
    y = jnp.zeros((x.shape[0], height, width, kernel.shape[3]))
    for row, column in _meetings(x.shape, kernel.shape, strides, pads):
        part = x[:, row.pixels, column.pixels] @ kernel[row.entry, column.entry]
        y += jnp.pad(part, ((0, 0), _margins(row, height), _margins(column, width), (0, 0)))
    return y


def kernel_gradient(
    x: jax.Array,
    dy: jax.Array,
    shape: tuple[int, ...],
    strides: tuple[int, int],
    pads: Padding,
) -> jax.Array:
    """Gradient f32[h,w,C,D] by the kernel, for images f32[B,H,W,C] and results' f32[B,Y,X,D].

    Args:
      shape: (h, w, C, D).
    """
    nothing = jnp.zeros(shape[2:])
    entries = [[nothing] * shape[1] for _ in range(shape[0])]
    for row, column in _meetings(x.shape, shape, strides, pads):
        pixels = x[:, row.pixels, column.pixels].reshape(-1, shape[2])
        results = dy[:, row.results, column.results].reshape(-1, shape[3])
        entries[row.entry][column.entry] = pixels.T @ results
    return jnp.stack([jnp.stack(row) for row in entries])


def _meetings(
    x: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, int], pads: Padding
) -> list[tuple[_Meeting, _Meeting]]:
    """Of each kernel entry that meets a pixel, where it does: in rows and in columns."""
    axes = [
        [
            _meeting(entry, x[1 + axis], side, strides[axis], pads[axis][0])
            for entry in range(kernel[axis])
        ]
        for axis, side in enumerate(result_sides(x, kernel, strides, pads))
    ]
    rows, columns = ([m for m in axis if m.results.start < m.results.stop] for axis in axes)
    return [(row, column) for row in rows for column in columns]


def _meeting(entry: int, pixels: int, results: int, stride: int, low: int) -> _Meeting:
    """Result r reads pixel r * stride + entry - low."""
    first = max(0, -(-(low - entry) // stride))
    stop = max(first, min(results, (pixels - 1 + low - entry) // stride + 1))
    start = first * stride + entry - low
    return _Meeting(
        entry, slice(first, stop), slice(start, start + (stop - first - 1) * stride + 1, stride)
    )


def _margins(meeting: _Meeting, side: int) -> tuple[int, int]:
    return meeting.results.start, side - meeting.results.stop
