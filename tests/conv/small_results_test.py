"""Which shapes are computed entry by entry; conv_test.py tests values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax import conv
from synthmed_jax.conv import onednn, small_results

PADS = ((1, 1), (1, 1))


def count_flops(function, *arrays):
    return jax.jit(function).lower(*arrays).compile().cost_analysis()["flops"]


def convolve(x, kernel, strides=(1, 1)):
    return small_results.convolve(x, kernel, strides, PADS)


def definition(x, kernel, strides=(1, 1)):
    return jax.lax.conv_general_dilated(x, kernel, strides, PADS, dimension_numbers=conv.LAYOUT)


@pytest.mark.parametrize(
    ("pixels", "stride", "meet"), [((1, 1), 1, 1), ((2, 2), 1, 16), ((2, 2), 2, 4), ((1, 3), 1, 7)]
)
def test_only_entries_that_meet_a_pixel_are_multiplied(pixels, stride, meet):
    x, kernel = jnp.ones((5, *pixels, 64)), jnp.ones((3, 3, 64, 32))
    flops = count_flops(lambda x, k: convolve(x, k, (stride, stride)), x, kernel)
    # `meet`: of the pairs of a result and an entry of the kernel, those that meet a pixel.
    assert flops == pytest.approx(2 * 5 * meet * 64 * 32, rel=0.05)


@pytest.mark.parametrize("pixels", [(1, 1), (2, 2), (1, 4), (5, 3)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_values_and_gradients_are_those_of_the_definition(pixels, stride):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(3, *pixels, 5)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(3, 3, 5, 4)), jnp.float32)
    ours, pull = jax.vjp(lambda x, k: convolve(x, k, (stride, stride)), x, kernel)
    theirs, pull_theirs = jax.vjp(lambda x, k: definition(x, k, (stride, stride)), x, kernel)
    weights = jnp.sin(jnp.arange(ours.size)).reshape(ours.shape)
    for a, b in zip((ours, *pull(weights)), (theirs, *pull_theirs(weights)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_an_entry_that_meets_no_pixel_has_no_gradient():
    x, kernel = jnp.ones((2, 1, 1, 3)), jnp.ones((3, 3, 3, 4))
    gradient = jax.grad(lambda k: convolve(x, k).sum())(kernel)
    assert np.argwhere(np.any(gradient, axis=(2, 3))).tolist() == [[1, 1]]


def test_onednn_gets_no_kernel_of_one_pixel_and_no_small_result(monkeypatch):
    """Its weight gradient of the former is wrong or waits for ever on CPUs without AVX-512."""

    def refuse(*arguments):
        raise AssertionError(f"oneDNN was asked: {[np.shape(a) for a in arguments[:2]]}")

    monkeypatch.setattr(onednn, "convolve", refuse)
    for side, kernel, stride in ((8, 1, 1), (9, 1, 2), (2, 3, 1), (1, 5, 1), (4, 3, 2)):
        x, k = jnp.ones((2, side, side, 3)), jnp.ones((kernel, kernel, 3, 4))
        y = conv.conv_general_dilated(
            x, k, (stride, stride), ((kernel // 2,) * 2,) * 2, dimension_numbers=conv.LAYOUT
        )
        assert y.shape == (2, -(-side // stride), -(-side // stride), 4)
