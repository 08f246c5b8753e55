"""Shapes of convolutions, and how a batch is cut to stay in cache."""

from __future__ import annotations

import jax

LAYOUT = ("NHWC", "HWIO", "NHWC")
# Bytes of transformed input that one chunk may hold: measured best between half and twice an L2
# cache of 512 KiB.
CHUNK_BYTES = 512 * 1024

Padding = tuple[tuple[int, int], tuple[int, int]]


def in_chunks(x: jax.Array, bytes_per_image: int) -> jax.Array:
    """Splits the batch into [n, chunk, ...], chunk the largest divisor that stays in cache."""
    most = max(1, CHUNK_BYTES // max(1, bytes_per_image))
    chunk = max(d for d in range(1, x.shape[0] + 1) if x.shape[0] % d == 0 and d <= most)
    return x.reshape(x.shape[0] // chunk, chunk, *x.shape[1:])
