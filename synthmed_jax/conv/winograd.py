"""3x3 convolutions by Winograd's F(2x2, 3x3) (Lavin & Gray, 2016, arXiv:1509.09308).

Y = A^T [(G g G^T) * (B^T d B)] A, on 4x4 tiles two pixels apart: 2.25 times fewer multiplications,
as 16 matmuls over chunks of images that stay in cache. Both gradients take the same form.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from synthmed_jax.conv.geometry import Padding, in_chunks

# Below this many channels the transforms cost more than they save.
LEAST_CHANNELS = 16


def suits(lhs: Sequence[int], rhs: Sequence[int], strides: tuple[int, int], pads: Padding) -> bool:
    """Whether `convolve` can compute a convolution of these shapes, and its transforms pay."""
    return (
        tuple(rhs[:2]) == (3, 3)
        and strides == (1, 1)
        and pads == ((1, 1), (1, 1))
        and lhs[1] % 2 == lhs[2] % 2 == 0
        and min(rhs[2:]) >= LEAST_CHANNELS
    )


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


def _apply(x: jax.Array, u: jax.Array, contracted: int) -> jax.Array:
    """Convolves f32[B,H,W,C] with kernel tiles f32[16,.,.], summing over axis `contracted`."""
    _, height, width, channels = x.shape

    def one_chunk(chunk: jax.Array) -> jax.Array:
        m = lax.dot_general(_tiles(chunk), u, (((2,), (contracted,)), ((0,), (0,))))
        return _untile(m, height, width)

    y = lax.map(one_chunk, in_chunks(x, 4 * channels * height * width * 4))
    return y.reshape(*x.shape[:3], u.shape[3 - contracted])


@jax.custom_vjp
def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """3x3 convolution, stride 1, one pixel of padding: f32[B,H,W,C] * f32[3,3,C,D]."""
    return _apply(x, _kernel_tiles(kernel, _G), 1)


def _forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return convolve(x, kernel), (x, kernel)


def _backward(residuals: tuple[jax.Array, jax.Array], dy: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    dx = _apply(dy, _kernel_tiles(kernel, _G_TURNED), 2)
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
        (in_chunks(x, bytes_per_image), in_chunks(dy, bytes_per_image)),
    )
    dkernel = jnp.einsum("ai,abcd,bj->ijcd", _G, du.reshape(4, 4, *kernel.shape[2:]), _G)
    return dx, dkernel


convolve.defvjp(_forward, _backward)
