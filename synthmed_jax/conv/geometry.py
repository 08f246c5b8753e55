"""Shapes of convolutions, and how a batch is cut into chunks that stay in cache."""

from __future__ import annotations

import jax

LAYOUT = ("NHWC", "HWIO", "NHWC")
# Bytes of transformed input per chunk, at most. Measured with an L2 cache of 512 KiB: half of it to
# twice as much is fastest.
CHUNK_BYTES = 512 * 1024

Padding = tuple[tuple[int, int], tuple[int, int]]


def result_sides(
    x: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, int], pads: Padding
) -> tuple[int, int]:
    """Height and width of a convolution's result, for shapes (B,H,W,C) and (h,w,...)."""
    height, width = (
        (x[1 + axis] + sum(pads[axis]) - kernel[axis]) // strides[axis] + 1 for axis in (0, 1)
    )
    return height, width


def in_chunks(x: jax.Array, bytes_per_image: int) -> jax.Array:
    """Splits a batch [B, ...] into [B/chunk, chunk, ...].

    `chunk` is the largest divisor of B with at most CHUNK_BYTES per chunk, and at least 1.
    """
    most = max(1, CHUNK_BYTES // max(1, bytes_per_image))
    chunk = max(d for d in range(1, x.shape[0] + 1) if x.shape[0] % d == 0 and d <= most)
    return x.reshape(x.shape[0] // chunk, chunk, *x.shape[1:])
