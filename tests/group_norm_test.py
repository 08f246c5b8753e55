"""Ours against Flax's group normalisation, values and gradients."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed_jax.group_norm import GroupNorm


def value_and_gradients(module, variables, x):
    y, pull = jax.vjp(lambda v, x: module.apply(v, x), variables, x)
    return y, *pull(jnp.sin(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape))


def make(seed, shape, mean=0.0):
    rng = np.random.default_rng(seed)
    x = jnp.asarray(rng.normal(mean, 2.0, shape), jnp.float32)
    channels = shape[-1]
    params = {
        name: jnp.asarray(rng.normal(size=channels), jnp.float32) for name in ("scale", "bias")
    }
    return {"params": params}, x


@settings(max_examples=8, deadline=None)
@given(
    batch=st.sampled_from([1, 3]),
    side=st.sampled_from([1, 8]),
    groups=st.sampled_from([1, 4]),
    per_group=st.sampled_from([1, 3]),
    mean=st.sampled_from([0.0, 3.0]),
)
def test_equals_flax(batch, side, groups, per_group, mean):
    if side == per_group == 1:
        return  # one value a group: x_hat is 0 over 0, and rounding decides its gradient
    variables, x = make(0, (batch, side, side + 1, groups * per_group), mean)
    found = value_and_gradients(GroupNorm(groups), variables, x)
    expected = value_and_gradients(nn.GroupNorm(groups), variables, x)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4 * max(np.abs(b).max(), 1))


def test_fresh_parameters_are_flax_s():
    _, x = make(0, (2, 4, 4, 8))
    ours = GroupNorm(4).init(jax.random.key(0), x)
    theirs = nn.GroupNorm(4).init(jax.random.key(0), x)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), ours, theirs))


@pytest.mark.parametrize("wrap", ["vmap", "remat", "pmap"])
def test_gradients_survive_transformations(wrap):
    variables, x = make(1, (2, 2, 4, 4, 8))

    def loss(variables, x):
        return jnp.sum(jnp.sin(GroupNorm(4).apply(variables, x)))

    gradient = jax.grad(loss, argnums=1)
    expected = jnp.stack([gradient(variables, v) for v in x])
    if wrap == "vmap":
        found = jax.vmap(gradient, (None, 0))(variables, x)
    elif wrap == "remat":
        found = jnp.stack([jax.grad(jax.checkpoint(loss), argnums=1)(variables, v) for v in x])
    else:
        found = jax.pmap(gradient, in_axes=(None, 0))(variables, x)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_bfloat16_is_summed_in_float32():
    variables, x = make(2, (1, 16, 16, 8), mean=20.0)
    exact = nn.GroupNorm(4).apply(variables, x)
    found = GroupNorm(4).apply(variables, x.astype(jnp.bfloat16))
    assert found.dtype == jnp.bfloat16
    rounded = nn.GroupNorm(4).apply(variables, x.astype(jnp.bfloat16).astype(jnp.float32))
    np.testing.assert_allclose(found.astype(jnp.float32), rounded, atol=0.05)
    assert np.isfinite(exact).all()
