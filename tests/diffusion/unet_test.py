import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.diffusion import unet
from synthmed_jax.diffusion.unet import UNet
from synthmed_jax.diffusion.unet_settings import EMBEDDINGS, UNetSettings

CONFIG = UNetSettings(
    channels=8, multipliers=(1, 2), blocks=1, attention=(4,), patch=2, dropout=0.5
)
NETWORK = UNet(CONFIG, num_classes=3)
X = jax.random.normal(jax.random.key(0), (2, 16, 16, 3))
T = jnp.array([3, 40])
LABEL = jnp.array([0, 2])


@pytest.fixture(scope="module")
def params():
    """Weights that are not zero anywhere, so that every path through the network counts."""
    shapes = jax.eval_shape(NETWORK.init, jax.random.key(1), X, T, LABEL)["params"]
    rng = np.random.default_rng(2)
    return jax.tree.map(lambda v: rng.normal(0, 0.2, v.shape).astype(np.float32), shapes)


@jax.jit
def run(params, x=X, t=T, label=LABEL, dropout_keys=None):
    return unet.apply(NETWORK, params, x, t, label, dropout_keys)


def test_a_fresh_network_predicts_zero():
    small = UNet(UNetSettings(8, (1,), 1, (), 4, 0.0), num_classes=3)
    output, _ = jax.jit(small.init_with_output)(jax.random.key(1), X, T, LABEL)
    np.testing.assert_array_equal(output, jnp.zeros_like(X))


def test_step_and_class_and_image_all_matter(params):
    base = run(params)
    assert base.shape == X.shape
    for changed in (run(params, t=T + 1), run(params, label=LABEL[::-1]), run(params, x=X + 1)):
        assert np.abs(changed - base).max() > 1e-3


def test_examples_do_not_see_each_other(params):
    np.testing.assert_allclose(
        run(params)[::-1], run(params, X[::-1], T[::-1], LABEL[::-1]), atol=1e-5
    )


def test_dropout_follows_each_examples_own_key(params):
    keys = jax.random.split(jax.random.key(3), 2)
    one = run(params, dropout_keys=keys)
    np.testing.assert_array_equal(one, run(params, dropout_keys=keys))
    assert np.abs(one - run(params)).max() > 1e-3
    swapped = run(params, X[::-1], T[::-1], LABEL[::-1], keys[::-1])
    np.testing.assert_allclose(one[::-1], swapped, atol=1e-5)


def test_dropout_keeps_the_mean():
    keys = jax.random.split(jax.random.key(4), 64)
    dropped = unet.drop(keys, jnp.ones((64, 8, 8, 4)), 0.25)
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1 / 0.75)}
    share = np.asarray(dropped > 0).mean()
    assert abs(share - 0.75) < 5 * np.sqrt(0.75 * 0.25 / dropped.size)


@pytest.mark.parametrize(("channels", "parameters"), [(64, 6_073_345), (32, 1_523_201)])
def test_the_reference_network_has_the_parameters_of_its_peers(channels, parameters):
    # diffusers' UNet2DModel at the same widths, without attention, told 4 classes or none.
    config = UNetSettings(
        channels, (1, 2, 2), 2, (), 1, 0.0, middle_attention=False, embedding="add"
    )
    x, t = jnp.zeros((1, 32, 32, 1)), jnp.zeros(1, jnp.int32)
    shapes = jax.eval_shape(UNet(config, num_classes=4).init, jax.random.key(0), x, t, t)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == parameters


def test_the_middle_attention_is_all_that_its_switch_takes_away():
    def names(middle_attention):
        config = dataclasses.replace(CONFIG, attention=(), middle_attention=middle_attention)
        return set(jax.eval_shape(UNet(config, 3).init, jax.random.key(1), X, T, LABEL)["params"])

    assert names(True) - names(False) == {"SelfAttention_0"}
    assert names(False) < names(True)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_both_embeddings_tell_a_block_the_step(embedding):
    block = unet.ResBlock(8, 0.0, embedding, jnp.float32)
    x, e = X[..., :1].repeat(8, axis=-1), jax.random.normal(jax.random.key(5), (2, 12))
    shapes = jax.eval_shape(block.init, jax.random.key(1), x, e, None)
    rng = np.random.default_rng(2)
    variables = jax.tree.map(lambda v: rng.normal(0, 0.2, v.shape).astype(np.float32), shapes)
    changed = block.apply(variables, x, e + 1, None) - block.apply(variables, x, e, None)
    assert np.abs(changed).max() > 1e-3


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_patches_fold_and_unfold(patch):
    folded = unet.fold_patches(X, patch)
    assert folded.shape == (2, 16 // patch, 16 // patch, 3 * patch**2)
    np.testing.assert_array_equal(unet.unfold_patches(folded, patch), X)
    np.testing.assert_array_equal(folded[1, 2, 3, :3], X[1, 2 * patch, 3 * patch])


def test_time_embeddings_are_all_different():
    embedding = np.asarray(unet.timestep_embedding(jnp.arange(1000), 32))
    distance = np.linalg.norm(embedding[:, None] - embedding[None], axis=-1)
    assert distance[~np.eye(1000, dtype=bool)].min() > 1e-2
