"""Convolutions that are fast on a CPU, forward and backward.

XLA's CPU backend computes a convolution's weight gradient at a tenth of a matmul's speed. Here a
3x3 convolution is Winograd's F(2x2, 3x3) (Lavin & Gray, 2016, arXiv:1509.09308): 2.25 times fewer
multiplications, as 16 matmuls over chunks of images that stay in cache; both gradients take the
same form. Every other shape keeps XLA's forward pass and gets its weight gradient from chunked
im2col. On other backends, and for what is not covered (groups, dilation, other layouts or dtypes),
`jax.lax.conv_general_dilated` is called as it is.

Use: `nn.Conv(..., conv_general_dilated=conv.conv_general_dilated)`; no module changes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LAYOUT = ("NHWC", "HWIO", "NHWC")
# Bytes of transformed input that one chunk may hold: measured best between half and twice an L2
# cache of 512 KiB.
CHUNK_BYTES = 512 * 1024
# Below this many channels Winograd's transforms cost more than they save.
WINOGRAD_CHANNELS = 16

Padding = tuple[tuple[int, int], tuple[int, int]]


def conv_general_dilated(
    lhs: jax.Array,
    rhs: jax.Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    **options: Any,
) -> jax.Array:
    """Stands in for `jax.lax.conv_general_dilated` (same arguments and result, to rounding).

    Args:
      lhs: f32[B,H,W,C], images.
      rhs: f32[h,w,C,D], kernel.
      window_strides: two strides.
      padding: "SAME", "VALID" or a (low, high) pair for each of two dimensions.
      lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count, **options: as in jax.lax.
    """
    if not (
        jax.default_backend() == "cpu"
        and lhs.ndim == 4
        and lhs.dtype == rhs.dtype == jnp.float32
        and feature_group_count == 1
        and options.get("batch_group_count", 1) == 1
        and all(d == 1 for d in (*(lhs_dilation or ()), *(rhs_dilation or ())))
        and _is_nhwc(lhs.shape, rhs.shape, dimension_numbers)
    ):
        return lax.conv_general_dilated(
            lhs,
            rhs,
            window_strides,
            padding,
            lhs_dilation=lhs_dilation,
            rhs_dilation=rhs_dilation,
            dimension_numbers=dimension_numbers,
            feature_group_count=feature_group_count,
            **options,
        )
    strides = (int(window_strides[0]), int(window_strides[1]))
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(lhs.shape[1:3], rhs.shape[:2], strides, padding)
    (top, bottom), (left, right) = padding
    pads = ((int(top), int(bottom)), (int(left), int(right)))
    if rhs.shape[:2] == (1, 1) and pads == ((0, 0), (0, 0)):
        return jnp.einsum("bhwc,cd->bhwd", lhs[:, :: strides[0], :: strides[1]], rhs[0, 0])
    if _suits_winograd(lhs.shape, rhs.shape, strides, pads):
        return _winograd(lhs, rhs)
    return _im2col_gradient(lhs, rhs, strides, pads)


def _is_nhwc(lhs_shape: Sequence[int], rhs_shape: Sequence[int], dimension_numbers: Any) -> bool:
    if dimension_numbers is None:
        return False
    given = lax.conv_dimension_numbers(tuple(lhs_shape), tuple(rhs_shape), dimension_numbers)
    return given == lax.conv_dimension_numbers(tuple(lhs_shape), tuple(rhs_shape), LAYOUT)


def _suits_winograd(
    lhs: Sequence[int], rhs: Sequence[int], strides: tuple[int, int], pads: Padding
) -> bool:
    return (
        tuple(rhs[:2]) == (3, 3)
        and strides == (1, 1)
        and pads == ((1, 1), (1, 1))
        and lhs[1] % 2 == lhs[2] % 2 == 0
        and min(rhs[2:]) >= WINOGRAD_CHANNELS
    )


def _chunks(x: jax.Array, bytes_per_image: int) -> jax.Array:
    """Splits the batch into [n, chunk, ...], chunk the largest divisor that stays in cache."""
    most = max(1, CHUNK_BYTES // max(1, bytes_per_image))
    chunk = max(d for d in range(1, x.shape[0] + 1) if x.shape[0] % d == 0 and d <= most)
    return x.reshape(x.shape[0] // chunk, chunk, *x.shape[1:])


# --- Winograd F(2x2, 3x3): Y = A^T [(G g G^T) * (B^T d B)] A, on 4x4 tiles two pixels apart ---

_G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)


def _tiles(x: jax.Array) -> jax.Array:
    """B^T d B of every tile: f32[b,H,W,C] -> f32[16, b*H/2*W/2, C]."""
    b, height, width, channels = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = [
        lax.slice(x, (0, i, 0, 0), (b, i + height - 1, width + 2, channels), (1, 2, 1, 1))
        for i in range(4)
    ]
    tiles = []
    for row in _input_transform(rows):
        columns = [
            lax.slice(row, (0, 0, j, 0), (b, height // 2, j + width - 1, channels), (1, 1, 2, 1))
            for j in range(4)
        ]
        tiles += _input_transform(columns)
    return jnp.stack(tiles).reshape(16, -1, channels)


def _input_transform(d: list[jax.Array]) -> list[jax.Array]:
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _untile(m: jax.Array, height: int, width: int) -> jax.Array:
    """A^T m A of every tile: f32[16, b*H/2*W/2, D] -> f32[b,H,W,D]."""
    m = m.reshape(4, 4, -1, height // 2, width // 2, m.shape[-1])
    rows = [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]
    pixels = [[r[0] + r[1] + r[2], r[1] - r[2] - r[3]] for r in rows]
    y = jnp.stack([jnp.stack(row, axis=3) for row in pixels], axis=2)
    return y.reshape(-1, height, width, m.shape[-1])


def _tile_cotangents(dy: jax.Array) -> jax.Array:
    """A dy A^T of every tile, the transpose of `_untile`: f32[b,H,W,D] -> f32[16, b*H/2*W/2, D]."""
    b, height, width, channels = dy.shape
    dy = dy.reshape(b, height // 2, 2, width // 2, 2, channels)
    rows = zip(
        _cotangent_transform(dy[:, :, 0, :, 0], dy[:, :, 1, :, 0]),
        _cotangent_transform(dy[:, :, 0, :, 1], dy[:, :, 1, :, 1]),
        strict=True,
    )
    return jnp.stack(
        [v for left, right in rows for v in _cotangent_transform(left, right)]
    ).reshape(16, -1, channels)


def _cotangent_transform(first: jax.Array, second: jax.Array) -> list[jax.Array]:
    return [first, first + second, first - second, -second]


def _winograd_forward(x: jax.Array, kernel: jax.Array) -> jax.Array:
    _, height, width, channels = x.shape
    u = jnp.einsum("ai,ijcd,bj->abcd", _G, kernel, _G).reshape(16, *kernel.shape[2:])

    def one_chunk(chunk: jax.Array) -> jax.Array:
        m = lax.dot_general(_tiles(chunk), u, (((2,), (1,)), ((0,), (0,))))
        return _untile(m, height, width)

    y = lax.map(one_chunk, _chunks(x, 4 * channels * height * width * 4))
    return y.reshape(*x.shape[:3], kernel.shape[3])


@jax.custom_vjp
def _winograd(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """3x3 convolution, stride 1, one pixel of padding: f32[B,H,W,C] * f32[3,3,C,D]."""
    return _winograd_forward(x, kernel)


def _winograd_fwd(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _winograd_forward(x, kernel), (x, kernel)


def _winograd_bwd(
    residuals: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    dx = _winograd_forward(dy, jnp.flip(kernel, (0, 1)).swapaxes(2, 3))
    _, height, width, channels = x.shape
    bytes_per_image = 4 * max(channels, dy.shape[3]) * height * width * 4

    def add_chunk(total: jax.Array, chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        du = lax.dot_general(
            _tiles(chunk[0]), _tile_cotangents(chunk[1]), (((1,), (1,)), ((0,), (0,)))
        )
        return total + du, None

    du, _ = lax.scan(
        add_chunk,
        jnp.zeros((16, *kernel.shape[2:])),
        (_chunks(x, bytes_per_image), _chunks(dy, bytes_per_image)),
    )
    dkernel = jnp.einsum("ai,abcd,bj->ijcd", _G, du.reshape(4, 4, *kernel.shape[2:]), _G)
    return dx, dkernel


_winograd.defvjp(_winograd_fwd, _winograd_bwd)


# --- every other shape: XLA forward, weight gradient by im2col in chunks ---


def _xla(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, strides, pads, dimension_numbers=LAYOUT)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _im2col_gradient(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D] whose weight gradient is one matmul a chunk."""
    return _xla(x, kernel, strides, pads)


def _im2col_fwd(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _xla(x, kernel, strides, pads), (x, kernel)


def _im2col_bwd(
    strides: tuple[int, int],
    pads: Padding,
    residuals: tuple[jax.Array, jax.Array],
    dy: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    (dx,) = jax.linear_transpose(lambda v: _xla(v, kernel, strides, pads), x)(dy)
    height, width = dy.shape[1:3]
    k_h, k_w, channels, features = kernel.shape
    bytes_per_image = 4 * height * width * k_h * k_w * channels

    def add_chunk(total: jax.Array, chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        padded = jnp.pad(chunk[0], ((0, 0), *pads, (0, 0)))
        columns = jnp.concatenate(
            [
                padded[:, i : i + (height - 1) * strides[0] + 1 : strides[0]][
                    :, :, j : j + (width - 1) * strides[1] + 1 : strides[1]
                ]
                for i in range(k_h)
                for j in range(k_w)
            ],
            axis=3,
        )
        return total + lax.dot_general(
            columns.reshape(-1, k_h * k_w * channels),
            chunk[1].reshape(-1, features),
            (((0,), (0,)), ((), ())),
        ), None

    dkernel, _ = lax.scan(
        add_chunk,
        jnp.zeros((k_h * k_w * channels, features)),
        (_chunks(x, bytes_per_image), _chunks(dy, bytes_per_image)),
    )
    return dx, dkernel.reshape(kernel.shape)


_im2col_gradient.defvjp(_im2col_fwd, _im2col_bwd)
