import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax import parallel
from synthmed_jax.audit import aligned_search, identity_net, identity_search
from synthmed_jax.audit.identity_changes import change
from tests.audit.aligned_search_test import scenes


def test_the_loss_is_that_of_finding_the_partner_among_all_others():
    x = jnp.eye(4)
    # Every vector has its partner at cosine 1 and six others at cosine 0.
    e = np.exp(1 / identity_net._TEMPERATURE)
    expected = -np.log(e / (e + 6))
    assert float(identity_net.contrastive_loss(x, x)) == pytest.approx(expected, rel=1e-2, abs=1e-6)
    assert float(identity_net.contrastive_loss(x, x[::-1])) > 10


def test_changes_keep_size_and_whole_levels_and_differ():
    images = jnp.asarray(scenes(6, 0), jnp.float32)
    one, two = (np.asarray(change(jax.random.key(k), images)) for k in (0, 1))
    for changed in (one, two):
        assert changed.shape == images.shape
        assert changed.min() >= 0
        assert changed.max() <= 255
        assert (changed == np.rint(changed)).all()
    assert np.abs(one - two).mean() > 3
    assert (np.asarray(change(jax.random.key(0), images)) == one).all()


def test_it_learns_to_know_images_again():
    images = scenes(80, 0)
    own = np.arange(80)
    nearest = aligned_search.find_nearest(images, images, "none", (own, own)).index
    params = identity_net.train(images, nearest, seed=0, steps=40)
    changed = np.asarray(change(jax.random.key(9), jnp.asarray(images, jnp.float32)))
    copies = changed.astype(np.uint8)
    untrained = identity_net.train(images, nearest, seed=0, steps=1)

    def known(params):
        return (identity_search.find_nearest(params, copies, images, "none").index == own).mean()

    assert known(params) > 0.8
    assert known(params) > known(untrained)
    turned = np.rot90(images, 1, axes=(1, 2))
    found = identity_search.find_nearest(params, turned, images, "dihedral")
    assert found.index.tolist() == own.tolist()
    assert found.alike == pytest.approx(np.ones(80), abs=1e-5)
    others = identity_search.find_nearest(params, images, images, "none", (own, own))
    assert (others.index != own).all()


@pytest.mark.parametrize("count", [8, 7])  # the same images in a batch, though 7 are no 2 times
def test_two_devices_learn_what_one_does(count):
    images, nearest = scenes(count, 0), np.roll(np.arange(count), 1)
    start = identity_net.begin(images, 3)
    two = jax.device_get(identity_net.train(images, nearest, seed=3, steps=2))
    with parallel.on(jax.local_devices()[0]):
        one = jax.device_get(identity_net.train(images, nearest, seed=3, steps=2))
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), two, start)
    assert min(jax.tree.leaves(moved)) > 0
    # Adam makes whole steps of gradients near zero: what rounding turns is few.
    for a, b in zip(jax.tree.leaves(two), jax.tree.leaves(one), strict=True):
        assert (np.abs(a - b) > 1e-5).mean() < 0.01


def test_one_image_is_enough_to_train():
    images = scenes(1, 0)
    params = identity_net.train(images, np.zeros(1, int), seed=0, steps=1)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(params)))


def test_features_are_unit_vectors_of_large_images_too():
    images = scenes(3, 0, side=40)
    params = identity_net.train(images, np.array([1, 2, 0]), seed=0, steps=1)
    features = identity_net.embed(params, images)
    assert features.shape == (3, identity_net.FEATURES)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
