"""A small network that learns which images are one and the same, and not what they show.

Two changed versions of each image (identity_changes.py) are to get features that point the same
way, and those of all other images of a batch other ones (SimCLR: Chen et al., 2020). Half of a
batch are the nearest images of the other half, from which those are hardest to tell. It learns from
`fit` alone and knows no class.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from synthmed_jax import parallel
from synthmed_jax.audit.identity_changes import change
from synthmed_jax.conv import conv_general_dilated
from synthmed_jax.data import decode

STEPS = 400
SIDE = 32
"""Larger images are made as small as this for the network, pixels."""
FEATURES = 128
_WIDTHS = (32, 64, 96, 128)
_PAIRS = 128  # of changed versions in a batch
_RATE = 2e-3
_TEMPERATURE = 0.07
_BATCH = 256
_FLATTEST = 4.0  # least deviation that an image is divided by, grey levels


class _State(NamedTuple):
    """Weights, AdamW's state, the key of all changes, and steps taken, i32[]."""

    params: parallel.Tree
    opt_state: parallel.Tree
    key: jax.Array
    step: jax.Array


class _Network(nn.Module):
    """Four strided convolutions and a linear map of all that is left of the image."""

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Grey levels f32[B,S,S,C] -> unit vectors f32[B,FEATURES]."""
        # Brightness and contrast are no part of what an image is.
        centred = images - images.mean(axis=(1, 2, 3), keepdims=True)
        x = centred / jnp.maximum(centred.std(axis=(1, 2, 3), keepdims=True), _FLATTEST)
        for width in _WIDTHS:
            x = nn.Conv(width, (3, 3), (2, 2), conv_general_dilated=conv_general_dilated)(x)
            x = nn.relu(nn.GroupNorm(num_groups=8)(x))
        x = nn.Dense(FEATURES)(x.reshape(len(x), -1))
        return x / jnp.maximum(jnp.linalg.norm(x, axis=1, keepdims=True), 1e-6)


def contrastive_loss(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean cross-entropy of finding each vector's partner among all others of the batch.

    Args:
      first, second: unit vectors f32[B,D]; those in one row are partners.
    """
    both = jnp.concatenate([first, second])
    alike = both @ both.T / _TEMPERATURE
    alike = jnp.where(jnp.eye(len(both), dtype=bool), -jnp.inf, alike)
    partner = jnp.roll(jnp.arange(len(both)), len(first))
    return optax.softmax_cross_entropy_with_integer_labels(alike, partner).mean()


def train(images: np.ndarray, nearest: np.ndarray, seed: int, steps: int = STEPS) -> parallel.Tree:
    """Trains a network on u8[N,S,S,C] that differ from each other; returns its weights.

    Args:
      nearest: i64[N], of each image the other one that is most alike to it.
      seed: of weights, batches and changes.
    """
    rng, images = np.random.default_rng(seed), _reduced(images)
    pairs = min(_PAIRS, len(images))
    state = _fresh(images, seed, steps)
    for _ in range(steps):
        order = rng.permutation(len(images))
        # No image twice: its two versions would be told to differ from their own likes.
        wanted = np.stack([order, nearest[order]], axis=1).ravel()[: 2 * pairs]
        first = np.sort(np.unique(wanted, return_index=True)[1])[:pairs]
        batch = np.concatenate([wanted[first], np.setdiff1d(order, wanted)])[:pairs]
        state, _ = _step(steps)(state, images[batch])
    return state.params


def timed_step(images: np.ndarray, seed: int) -> Callable[[], parallel.Tree]:
    """Returns a function that trains a network of its own for one of STEPS steps, to be timed.

    Args:
      images, seed: as of `train`.
    """
    images = _reduced(images[:_PAIRS])
    state = _fresh(images, seed, STEPS)

    def step() -> parallel.Tree:
        nonlocal state
        state, _ = _step(STEPS)(state, images)
        return state

    return step


def _fresh(images: np.ndarray, seed: int, steps: int) -> _State:
    params = begin(images, seed)
    opt_state = optimiser(steps).init(params)
    return _State(params, opt_state, jax.random.key(seed), jnp.zeros((), jnp.int32))


def begin(images: np.ndarray, seed: int) -> parallel.Tree:
    """Weights that have learned nothing yet, for images u8[N,S,S,C]."""
    return _Network().init(jax.random.key(seed), jnp.zeros((1, *_reduced(images[:1]).shape[1:])))


def embed(params: parallel.Tree, images: np.ndarray) -> np.ndarray:
    """Unit vectors f32[N,FEATURES] of u8[N,S,S,C]."""
    return cast(np.ndarray, _embed()(params, _reduced(images)))


def _reduced(images: np.ndarray) -> np.ndarray:
    return decode.stretch_images(images, min(SIDE, images.shape[1]))


def optimiser(steps: int) -> optax.GradientTransformation:
    """Of a training of so many steps."""
    return optax.adamw(
        optax.warmup_cosine_decay_schedule(0, _RATE, steps // 10, steps), weight_decay=0.01
    )


@functools.cache
def _step(steps: int) -> Callable[..., tuple[_State, parallel.Tree]]:
    def step(state: _State, images: jax.Array) -> tuple[_State, parallel.Tree]:
        # All images are changed on every device, so that the numbers drawn are the same ones
        # however many there are; the network sees the device's own.
        levels = parallel.gather(images).astype(jnp.float32)
        own = parallel.example_indices(len(images))
        keys = jax.random.split(jax.random.fold_in(state.key, state.step))
        versions = jnp.concatenate([change(key, levels)[own] for key in keys])

        def loss(params: parallel.Tree) -> jax.Array:
            vectors = jnp.split(cast(jax.Array, _Network().apply(params, versions)), 2)
            return contrastive_loss(*(parallel.gather(each) for each in vectors))

        gradient = parallel.mean(jax.grad(loss)(state.params))
        updates, opt_state = optimiser(steps).update(gradient, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return state._replace(params=params, opt_state=opt_state, step=state.step + 1), {}

    return parallel.train_step(step)


@functools.cache
def _embed() -> Callable[..., parallel.Tree]:
    def of_batch(params: parallel.Tree, images: jax.Array) -> jax.Array:
        return cast(jax.Array, _Network().apply(params, images.astype(jnp.float32)))

    return parallel.map_examples(of_batch, _BATCH)
