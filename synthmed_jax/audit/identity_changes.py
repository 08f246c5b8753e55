"""Random changes that leave an image the same one: what a copy may have gone through.

Arrays: images f32[B,S,S,C], grey levels 0 to 255.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

# Most of each change, one way; what is drawn is uniform up to it.
_SHIFT = 0.08  # share of the side
_DEGREES = 9.0
_ZOOM = 0.11  # of the logarithm of the factor
_CONTRAST = 0.35  # of the logarithm of the factor
_BRIGHTNESS = 30.0  # grey levels
_NOISE = 14.0  # its deviation, grey levels
_BLUR = 1.0  # its deviation, pixels
_JPEG_STEP = 40.0  # between kept values of a block's frequencies, grey levels
_BLOCK = 8  # side of a JPEG block, pixels


def change(key: jax.Array, images: jax.Array) -> jax.Array:
    """Returns each image changed by numbers drawn for it alone, rounded to whole grey levels."""
    keys = jax.random.split(key, 6)
    x = _blurred(keys[1], _moved(keys[0], images))
    x = _recoloured(keys[2], x)
    noise = jax.random.normal(keys[4], x.shape) * _drawn(keys[3], x, 0, _NOISE)
    x = jnp.clip(jnp.rint(x + noise), 0, 255)
    return jnp.clip(jnp.rint(_as_jpeg(keys[5], x)), 0, 255)


def _drawn(key: jax.Array, images: jax.Array, low: float, high: float) -> jax.Array:
    """One number per image, f32[B,1,1,1]."""
    return jax.random.uniform(key, (len(images), 1, 1, 1), minval=low, maxval=high)


def _moved(key: jax.Array, images: jax.Array) -> jax.Array:
    """Turned, enlarged and shifted, by bilinear interpolation; the edge is repeated."""
    count, side = images.shape[:2]
    most = jnp.array([np.deg2rad(_DEGREES), _ZOOM, side * _SHIFT, side * _SHIFT])
    drawn = jax.random.uniform(key, (4, count), minval=-1.0) * most[:, None]
    angle, zoom, down, right = drawn[:, :, None, None]
    along = jnp.arange(side) - (side - 1) / 2
    y, x = along[None, :, None] - down, along[None, None, :] - right
    scale = jnp.exp(-zoom)
    from_y = scale * (jnp.cos(angle) * y + jnp.sin(angle) * x) + (side - 1) / 2
    from_x = scale * (jnp.cos(angle) * x - jnp.sin(angle) * y) + (side - 1) / 2
    from_y, from_x = jnp.clip(from_y, 0, side - 1), jnp.clip(from_x, 0, side - 1)
    top = jnp.minimum(from_y.astype(jnp.int32), side - 2)
    left = jnp.minimum(from_x.astype(jnp.int32), side - 2)
    below, beside = (from_y - top)[..., None], (from_x - left)[..., None]
    flat = images.reshape(count, side * side, -1)

    def at(row: jax.Array, column: jax.Array) -> jax.Array:
        place = (row * side + column).reshape(count, -1, 1)
        return jnp.take_along_axis(flat, place, axis=1).reshape(images.shape)

    above = at(top, left) * (1 - beside) + at(top, left + 1) * beside
    under = at(top + 1, left) * (1 - beside) + at(top + 1, left + 1) * beside
    return above * (1 - below) + under * below


def _blurred(key: jax.Array, images: jax.Array) -> jax.Array:
    """By a Gaussian over five pixels each way, of a deviation of its own for each image."""
    deviation = jnp.maximum(_drawn(key, images, -0.5 * _BLUR, _BLUR), 0.05)[:, 0, 0]
    distance = jnp.arange(-2, 3, dtype=jnp.float32)
    weight = jnp.exp(-0.5 * (distance[None] / deviation) ** 2)
    weight = weight / weight.sum(axis=1, keepdims=True)
    side = images.shape[1]
    for axis in (1, 2):
        margins = [(2, 2) if a == axis else (0, 0) for a in range(4)]
        padded = jnp.pad(images, margins, "edge")
        parts = [jax.lax.slice_in_dim(padded, i, i + side, axis=axis) for i in range(5)]
        images = jnp.einsum("bk,kbhwc->bhwc", weight, jnp.stack(parts))
    return images


def _recoloured(key: jax.Array, images: jax.Array) -> jax.Array:
    of_contrast, of_brightness = jax.random.split(key)
    factor = jnp.exp(_drawn(of_contrast, images, -_CONTRAST, _CONTRAST))
    levels = (images - 128) * factor + 128
    return jnp.clip(levels + _drawn(of_brightness, images, -_BRIGHTNESS, _BRIGHTNESS), 0, 255)


def _as_jpeg(key: jax.Array, images: jax.Array) -> jax.Array:
    """With the frequencies of each whole block rounded, finer ones more coarsely, as JPEG does."""
    count, side, _, channels = images.shape
    kept = side // _BLOCK * _BLOCK
    if not kept:
        return images
    rows = np.arange(_BLOCK)
    cosines = np.cos(np.pi / (2 * _BLOCK) * np.outer(rows, 2 * rows + 1)) * np.sqrt(2 / _BLOCK)
    cosines[0] /= np.sqrt(2)
    basis = jnp.asarray(cosines, jnp.float32)
    shape = (count, kept // _BLOCK, _BLOCK, kept // _BLOCK, _BLOCK, channels)
    blocks = images[:, :kept, :kept].reshape(shape)
    frequencies = jnp.einsum("ui,byixjc,vj->byuxvc", basis, blocks, basis)
    coarseness = (0.4 + np.add.outer(rows, rows) / 14).astype(np.float32)
    step = (
        _drawn(key, images, 0, _JPEG_STEP)[..., None, None]
        * coarseness[None, None, :, None, :, None]
    )
    step = jnp.maximum(step, 1.0)
    kept_values = jnp.rint(frequencies / step) * step
    again = jnp.einsum("ui,byuxvc,vj->byixjc", basis, kept_values, basis)
    return images.at[:, :kept, :kept].set(again.reshape(count, kept, kept, channels))
