"""Convolutions with gradients of their own."""

from __future__ import annotations

from collections.abc import Callable

import jax

from synthmed_jax.conv.geometry import Padding

# (images f32[B,H,W,C], kernel f32[h,w,C,D], strides, padding) -> f32[B,Y,X,D].
Convolution = Callable[[jax.Array, jax.Array, tuple[int, int], Padding], jax.Array]
# (images, kernel, gradient by the result, strides, padding) -> gradients by images and kernel.
Gradients = Callable[
    [jax.Array, jax.Array, jax.Array, tuple[int, int], Padding], tuple[jax.Array, jax.Array]
]


def with_gradients(gradients: Gradients) -> Callable[[Convolution], Convolution]:
    """Makes a decorator that gives a convolution these gradients in the place of JAX's."""

    def decorate(convolve: Convolution) -> Convolution:
        ours = jax.custom_vjp(convolve, nondiff_argnums=(2, 3))

        def forward(
            x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
        ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
            return ours(x, kernel, strides, pads), (x, kernel)

        def backward(
            strides: tuple[int, int],
            pads: Padding,
            residuals: tuple[jax.Array, jax.Array],
            dy: jax.Array,
        ) -> tuple[jax.Array, jax.Array]:
            return gradients(*residuals, dy, strides, pads)

        ours.defvjp(forward, backward)
        return ours

    return decorate
