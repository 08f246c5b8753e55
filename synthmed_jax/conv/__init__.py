"""Convolutions that are fast on a CPU, forward and backward.

XLA's CPU backend computes a convolution's weight gradient at a tenth of the speed of a matmul. On a
CPU, this takes its place:
* for a kernel of one pixel, a matmul; for results of a few pixels, a matmul per entry of the kernel
  that meets a pixel (small_results.py);
* for others oneDNN, where it is available (onednn.py); otherwise
* Winograd's algorithm for a 3x3 kernel (winograd.py);
* for other shapes, the weight gradient by chunked im2col; the forward pass and the input gradient
  too where the result has few pixels (the kernel is then large, and XLA spends its time on copies
  of it) (im2col.py);
* for a depthwise convolution, sums of shifted products (depthwise.py).
On other backends, and for what is not covered (other groups, dilation, other layouts or dtypes,
empty arrays), `jax.lax.conv_general_dilated` is called as it is.

Use: `nn.Conv(..., conv_general_dilated=conv.conv_general_dilated)`; no module changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike

from synthmed_jax import parallel
from synthmed_jax.conv import depthwise, im2col, onednn, small_results, winograd
from synthmed_jax.conv.geometry import LAYOUT, Padding

DimensionNumbers = lax.ConvDimensionNumbers | tuple[str, str, str] | None


def conv_general_dilated(
    lhs: jax.Array,
    rhs: jax.Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: DimensionNumbers = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: lax.PrecisionLike = None,
    preferred_element_type: DTypeLike | None = None,
) -> jax.Array:
    """Stands in for `jax.lax.conv_general_dilated` (same arguments and result, to rounding).

    Args:
      lhs: f32[B,H,W,C], images.
      rhs: f32[h,w,C,D], kernel; f32[h,w,1,C] with C groups is depthwise.
      window_strides: two strides.
      padding: "SAME", "VALID" or a (low, high) pair for each of two dimensions.
      precision, preferred_element_type: have no effect where `jax.lax` is not called; all
        arithmetic is in float32 then.
      lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count, batch_group_count: as in
        `jax.lax`.
    """
    images = (
        parallel.is_cpu()
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
        and batch_group_count == 1
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
        batch_group_count=batch_group_count,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def _convolve(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding, groups: int
) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D] in the way that is fastest for its shape."""
    if groups > 1:
        return depthwise.convolve(x, kernel, strides, pads)
    if kernel.shape[:2] == (1, 1):
        padded = jnp.pad(x, ((0, 0), *pads, (0, 0)))
        return padded[:, :: strides[0], :: strides[1]] @ kernel[0, 0]
    if small_results.suits(x.shape, kernel.shape, strides, pads):
        return small_results.convolve(x, kernel, strides, pads)
    if onednn.is_available():
        return onednn.convolve(x, kernel, strides, pads)
    if winograd.suits(x.shape, kernel.shape, strides, pads):
        return winograd.convolve(x, kernel)
    return im2col.convolve(x, kernel, strides, pads)


def _is_nhwc(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], dimension_numbers: DimensionNumbers
) -> bool:
    if dimension_numbers is None:
        return False
    given = lax.conv_dimension_numbers(tuple(lhs_shape), tuple(rhs_shape), dimension_numbers)
    return given == lax.conv_dimension_numbers(tuple(lhs_shape), tuple(rhs_shape), LAYOUT)


def _without_cuts(
    x: jax.Array, padding: Sequence[tuple[int, int]]
) -> tuple[jax.Array, Sequence[tuple[int, int]]]:
    """Where a padding is negative, applies it to the images and returns a padding of zero.

    XLA's CPU backend may read beyond the image in a convolution that has a negative padding
    (openxla/xla#48713).
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
    """Whether neither the inputs nor the result are empty."""
    return min(*lhs, *rhs) > 0 and all(
        size + sum(pad) >= side for size, side, pad in zip(lhs[1:3], rhs[:2], pads, strict=True)
    )


def _suits_groups(lhs: Sequence[int], rhs: Sequence[int], groups: int) -> bool:
    """Whether the channels fit together, in one group or as a depthwise convolution."""
    if groups == 1:
        return lhs[3] == rhs[2]
    return groups == lhs[3] == rhs[3] and rhs[2] == 1
