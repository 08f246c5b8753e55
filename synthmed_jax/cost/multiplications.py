"""Floating-point operations of convolutions and matrix products, exactly; a multiply-add is two."""

from __future__ import annotations

import math
from collections.abc import Sequence

from synthmed_jax.cost.operations import Operation

MATRIX = ("conv_general_dilated", "dot_general")


def flops(operation: Operation) -> int:
    """Of one operation; 0 where it is neither a convolution nor a matrix product."""
    if operation.name == "dot_general":
        return _of_product(operation)
    if operation.name == "conv_general_dilated":
        return _of_convolution(operation)
    return 0


def _of_product(operation: Operation) -> int:
    (contracted, _), _ = operation.params["dimension_numbers"]
    summed = math.prod(operation.operands[0].shape[axis] for axis in contracted)
    return 2 * summed * math.prod(operation.results[0].shape)


def _of_convolution(operation: Operation) -> int:
    """Products with padding, and with the zeros between pixels of a dilated array, are none."""
    images, kernel, result = *operation.operands, operation.results[0]
    numbers, params = operation.params["dimension_numbers"], operation.params
    # JAX lists batch, features, then the sides, for the kernel outputs, inputs, then the sides.
    sides = [
        _pairs(images.shape[i], kernel.shape[k], result.shape[r], stride, pad, dilation, spread)
        for i, k, r, stride, pad, dilation, spread in zip(
            numbers.lhs_spec[2:],
            numbers.rhs_spec[2:],
            numbers.out_spec[2:],
            params["window_strides"],
            params["padding"],
            params["rhs_dilation"],
            params["lhs_dilation"],
            strict=True,
        )
    ]
    batch, features = (result.shape[axis] for axis in numbers.out_spec[:2])
    return 2 * batch * features * kernel.shape[numbers.rhs_spec[1]] * math.prod(sides)


def _pairs(
    size: int,
    width: int,
    outputs: int,
    stride: int,
    pad: Sequence[int],
    dilation: int,
    spread: int,
) -> int:
    """Along one side, pairs of an output and a kernel's entry that meet at a pixel."""
    count = 0
    for entry in range(width):
        for at in range(outputs):
            place = at * stride + entry * dilation - pad[0]
            count += 0 <= place <= (size - 1) * spread and place % spread == 0
    return count
