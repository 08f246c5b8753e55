"""Convolutions that are fast on a CPU, forward and backward.

XLA's CPU backend computes a convolution's weight gradient at a tenth of a matmul's speed. Here a
3x3 convolution is Winograd's F(2x2, 3x3) (Lavin & Gray, 2016, arXiv:1509.09308): 2.25 times fewer
multiplications, as 16 matmuls over chunks of images that stay in cache; both gradients take the
same form. Every other shape gets its weight gradient from chunked im2col, and where the result is
small (then the kernel is large, and XLA spends its time on copies of it) its forward pass and its
input gradient too. A depthwise convolution (a kernel for each channel, MobileNet's) is a sum of
shifted products. Where oneDNN is installed it takes the others' place (see onednn.py). On other
backends, and for what is not covered (other groups, dilation, other layouts or dtypes, empty
arrays), `jax.lax.conv_general_dilated` is called as it is.

Use: `nn.Conv(..., conv_general_dilated=conv.conv_general_dilated)`; no module changes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from synthmed_jax import onednn

LAYOUT = ("NHWC", "HWIO", "NHWC")
# Bytes of transformed input that one chunk may hold: measured best between half and twice an L2
# cache of 512 KiB.
CHUNK_BYTES = 512 * 1024
# Below this many channels Winograd's transforms cost more than they save.
WINOGRAD_CHANNELS = 16
# Up to this many output pixels an image, im2col beats XLA in every direction.
IM2COL_PIXELS = 64

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
      rhs: f32[h,w,C,D], kernel; f32[h,w,1,C] with C groups is depthwise.
      window_strides: two strides.
      padding: "SAME", "VALID" or a (low, high) pair for each of two dimensions.
      lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count, **options: as in jax.lax.
    """
    images = (
        jax.default_backend() == "cpu"
        and lhs.ndim == 4
        and all(d == 1 for d in lhs_dilation or ())
        and _is_nhwc(lhs.shape, rhs.shape, dimension_numbers)
    )
    if images and not isinstance(padding, str):
        lhs, padding = _without_cuts(lhs, padding)
    if (
        images
        and all(d == 1 for d in rhs_dilation or ())
        and lhs.dtype == rhs.dtype == jnp.float32
        and _suits_groups(lhs.shape, rhs.shape, feature_group_count)
        and options.get("batch_group_count", 1) == 1
    ):
        strides = (int(window_strides[0]), int(window_strides[1]))
        pads = _pads(lhs.shape, rhs.shape, strides, padding)
        if _is_ordinary(lhs.shape, rhs.shape, pads):
            return _convolve(lhs, rhs, strides, pads, feature_group_count)
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


def _convolve(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding, groups: int
) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D] in whatever way is fastest for its shape."""
    if groups > 1:
        return _depthwise(x, kernel, strides, pads)
    if onednn.is_available():
        return onednn.convolve(x, kernel, strides, pads)
    if kernel.shape[:2] == (1, 1) and pads == ((0, 0), (0, 0)):
        return jnp.einsum("bhwc,cd->bhwd", x[:, :: strides[0], :: strides[1]], kernel[0, 0])
    if _suits_winograd(x.shape, kernel.shape, strides, pads):
        return _winograd(x, kernel)
    return _im2col(x, kernel, strides, pads)


def _is_nhwc(lhs_shape: Sequence[int], rhs_shape: Sequence[int], dimension_numbers: Any) -> bool:
    if dimension_numbers is None:
        return False
    given = lax.conv_dimension_numbers(tuple(lhs_shape), tuple(rhs_shape), dimension_numbers)
    return given == lax.conv_dimension_numbers(tuple(lhs_shape), tuple(rhs_shape), LAYOUT)


def _without_cuts(
    x: jax.Array, padding: Sequence[tuple[int, int]]
) -> tuple[jax.Array, Sequence[tuple[int, int]]]:
    """Pads the images here where a padding is negative, and leaves none.

    XLA's CPU backend may read beyond the image there (openxla/xla#48713).
    """
    if min(map(min, padding)) >= 0:
        return x, padding
    (top, bottom), (left, right) = padding
    cuts = ((0, 0, 0), (top, bottom, 0), (left, right, 0), (0, 0, 0))
    return lax.pad(x, jnp.zeros((), x.dtype), cuts), ((0, 0), (0, 0))


def _pads(
    lhs: Sequence[int],
    rhs: Sequence[int],
    strides: tuple[int, int],
    padding: str | Sequence[tuple[int, int]],
) -> Padding:
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(lhs[1:3], rhs[:2], strides, padding)
    (top, bottom), (left, right) = padding
    return (int(top), int(bottom)), (int(left), int(right))


def _is_ordinary(lhs: Sequence[int], rhs: Sequence[int], pads: Padding) -> bool:
    """Whether nothing is empty, neither inputs nor result."""
    return min(*lhs, *rhs) > 0 and all(
        size + sum(pad) >= side for size, side, pad in zip(lhs[1:3], rhs[:2], pads, strict=True)
    )


def _suits_groups(lhs: Sequence[int], rhs: Sequence[int], groups: int) -> bool:
    """Whether the channels fit together, in one group or as a depthwise convolution."""
    if groups == 1:
        return lhs[3] == rhs[2]
    return groups == lhs[3] == rhs[3] and rhs[2] == 1


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


# The input gradient turns the kernel by half a turn: G with its columns reversed.
_G_TURNED = _G[:, ::-1]


def _kernel_tiles(kernel: jax.Array, g: np.ndarray) -> jax.Array:
    """G kernel G^T: f32[3,3,C,D] -> f32[16,C,D]."""
    return jnp.einsum("ai,ijcd,bj->abcd", g, kernel, g).reshape(16, *kernel.shape[2:])


def _winograd_apply(x: jax.Array, u: jax.Array, contracted: int) -> jax.Array:
    """Convolves f32[B,H,W,C] with kernel tiles f32[16,.,.], summing over axis `contracted`."""
    _, height, width, channels = x.shape

    def one_chunk(chunk: jax.Array) -> jax.Array:
        m = lax.dot_general(_tiles(chunk), u, (((2,), (contracted,)), ((0,), (0,))))
        return _untile(m, height, width)

    y = lax.map(one_chunk, _chunks(x, 4 * channels * height * width * 4))
    return y.reshape(*x.shape[:3], u.shape[3 - contracted])


@jax.custom_vjp
def _winograd(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """3x3 convolution, stride 1, one pixel of padding: f32[B,H,W,C] * f32[3,3,C,D]."""
    return _winograd_apply(x, _kernel_tiles(kernel, _G), 1)


def _winograd_fwd(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _winograd(x, kernel), (x, kernel)


def _winograd_bwd(
    residuals: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    dx = _winograd_apply(dy, _kernel_tiles(kernel, _G_TURNED), 2)
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


# --- depthwise ---

Geometry = tuple[tuple[int, ...], tuple[int, int], Padding]  # kernel's sides, strides, padding


def _shifted(x: jax.Array, geometry: Geometry) -> list[jax.Array]:
    """The pixel under each entry of the kernel, at every output pixel: k*k of f32[b,h,w,C]."""
    (k_h, k_w), (s_h, s_w), pads = geometry
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    height, width = (x.shape[1] - k_h) // s_h + 1, (x.shape[2] - k_w) // s_w + 1
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


def _depthwise(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> jax.Array:
    """Convolution of each channel by itself: f32[B,H,W,C] * f32[h,w,1,C].

    Its derivatives are sums of shifted products too, and JAX finds them.
    """
    shifted = _shifted(x, (kernel.shape[:2], strides, pads))
    weights = kernel.reshape(-1, kernel.shape[3])
    return functools.reduce(
        jnp.add, [v * weights[i][None, None, None] for i, v in enumerate(shifted)]
    )


# --- every other shape: im2col ---


def _columns(x: jax.Array, geometry: Geometry) -> jax.Array:
    """The pixels under the kernel at every output pixel: f32[b,H,W,C] -> f32[b,h,w,k*k*C]."""
    return jnp.concatenate(_shifted(x, geometry), axis=3)


def _xla(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, strides, pads, dimension_numbers=LAYOUT)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _im2col(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D]; each direction one matmul a chunk of images."""
    geometry = (kernel.shape[:2], strides, pads)
    shape = jax.eval_shape(functools.partial(_columns, geometry=geometry), x).shape
    if shape[1] * shape[2] > IM2COL_PIXELS:
        return _xla(x, kernel, strides, pads)
    matrix = kernel.reshape(-1, kernel.shape[3])
    chunks = _chunks(x, 4 * math.prod(shape[1:]))
    y = lax.map(lambda chunk: jnp.dot(_columns(chunk, geometry), matrix), chunks)
    return y.reshape(*shape[:3], kernel.shape[3])


def _im2col_fwd(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _im2col(x, kernel, strides, pads), (x, kernel)


def _im2col_bwd(
    strides: tuple[int, int],
    pads: Padding,
    residuals: tuple[jax.Array, jax.Array],
    dy: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    geometry = (kernel.shape[:2], strides, pads)
    matrix = kernel.reshape(-1, kernel.shape[3])
    columns_of = functools.partial(_columns, geometry=geometry)
    bytes_per_image = 4 * math.prod(dy.shape[1:3]) * matrix.shape[0]
    x_chunks, dy_chunks = _chunks(x, bytes_per_image), _chunks(dy, bytes_per_image)
    if math.prod(dy.shape[1:3]) <= IM2COL_PIXELS:
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


_im2col.defvjp(_im2col_fwd, _im2col_bwd)
