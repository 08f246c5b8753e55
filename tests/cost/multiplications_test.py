"""Operations of convolutions and matrix products, against the definition and against XLA's."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from synthmed_jax.cost import multiplications
from synthmed_jax.cost.operations import Operations


def flops_of(function, *shapes):
    traced = jax.jit(function).trace(*(jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes))
    listed = Operations(traced.jaxpr.jaxpr).listed
    return sum(map(multiplications.flops, listed)), traced


def test_a_matrix_product_multiplies_and_adds():
    found, _ = flops_of(lambda a, b: jnp.einsum("bij,bjk->bik", a, b), (5, 2, 3), (5, 3, 7))
    assert found == 2 * 5 * 2 * 3 * 7


def convolution(strides, padding, rhs_dilation=(1, 1), groups=1):
    return lambda x, k: lax.conv_general_dilated(
        x, k, strides, padding, rhs_dilation=rhs_dilation, feature_group_count=groups,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip


def pairs(side, kernel, stride, pad, dilation):
    """Along one side, by the definition: pairs of an output and a pixel that it reads."""
    reach = (kernel - 1) * dilation + 1
    starts = range(-pad[0], side + pad[1] - reach + 1, stride)
    return sum(
        0 <= start + entry * dilation < side
        for start, entry in itertools.product(starts, range(kernel))
    )


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "dilation"),
    [(3, 1, (1, 1), 1), (3, 2, (1, 1), 1), (4, 4, (0, 0), 1), (3, 1, (2, 0), 2), (1, 2, (0, 0), 1)],
)
def test_a_convolution_multiplies_only_pixels(kernel, stride, pad, dilation):
    function = convolution((stride, 1), (pad, (0, 0)), (dilation, 1))
    found, traced = flops_of(function, (2, 9, 5, 3), (kernel, 1, 3, 4))
    assert found == 2 * 2 * 3 * 4 * pairs(9, kernel, stride, pad, dilation) * 5
    assert found == traced.lower().cost_analysis()["flops"]


@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
@pytest.mark.parametrize("groups", [1, 6])
def test_both_gradients_are_as_many_again_each(strides, groups):
    forward = convolution(strides, ((1, 1), (1, 1)), groups=groups)
    shapes = (4, 8, 8, 6), (3, 3, 6 // groups, 6)
    alone, _ = flops_of(forward, *shapes)

    def gradients(x, k):
        return jax.grad(lambda *both: forward(*both).sum(), argnums=(0, 1))(x, k)

    found, _ = flops_of(gradients, *shapes)
    assert found in (2 * alone, 3 * alone)  # with the forward pass, or where that is left out
    np.testing.assert_equal(found % alone, 0)
