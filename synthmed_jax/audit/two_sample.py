"""Classifier two-sample test (Lopez-Paz & Oquab, 2017): can two sets of images be told apart?

A classifier learns to tell the sets apart on some of the images and is asked about the others. The
area under its ROC curve is the chance that it ranks an image of the first set above one of the
second: 0.5 where it can't tell them apart, 1 where it always can. Well below 0.5 means that images
of one set have near copies in the other, whose set is then the wrong answer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import sklearn
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import ExtraTreeClassifier

from synthmed_jax import parallel
from synthmed_jax.conv import conv_general_dilated
from synthmed_jax.data.threads import map_in_threads
from synthmed_jax.results.audit import Measured
from synthmed_jax.statistics.roc import newcombe_interval, rank_area

FOLDS = 5  # of a forest
TREES = 100
NETWORK_FOLDS = 2
STEPS = 300  # of a network; with a number of its own, each set would be compiled for again
_BATCH = 64
_RATE = 2e-3


def auroc(first: np.ndarray, second: np.ndarray) -> Measured:
    """Chance that a score f[N] of the first set is above one f[M] of the second; ties count half.

    The interval is Newcombe's (2006, method 5), which is not empty at 1 either. It takes the scores
    for independent: training the classifier again is no part of it.
    """
    area = rank_area(first, second)
    return Measured(area, *newcombe_interval(area, len(first), len(second)))


def forest_auroc(first: np.ndarray, second: np.ndarray, seed: int) -> Measured:
    """AUROC of a cross-fitted forest of extremely randomised trees (Geurts et al., 2006).

    Args:
      first: f[N,D], FOLDS images or more.
      second: f[M,D], likewise.
      seed: of folds and trees.
    """
    x = np.concatenate([first, second]).astype(np.float32)
    y = np.repeat([1, 0], [len(first), len(second)])
    scores = np.zeros(len(x))
    for train, left_out in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y):
        scores[left_out] = forest_scores(x[train], y[train], x[left_out], seed)
    return auroc(scores[y == 1], scores[y == 0])


def forest_scores(
    x: np.ndarray, y: np.ndarray, asked: np.ndarray, seed: int, trees: int = TREES
) -> np.ndarray:
    """Mean probability f64[N] of class 1 over trees that have learned f32[M,D] with labels i[M].

    The trees are grown in threads here: scikit-learn's forests change Python's list of warnings in
    theirs, and so now and then print one that means nothing.
    """

    def of_tree(number: int) -> np.ndarray:
        seed_of_tree = (seed * TREES + number) % 2**32  # scikit-learn takes no larger one
        tree = ExtraTreeClassifier(max_features="sqrt", random_state=seed_of_tree)
        # Of a few hundred images, looking at a tree's settings takes as long as growing it.
        with sklearn.config_context(skip_parameter_validation=True):
            tree.fit(x, y, check_input=False)
        return np.asarray(tree.predict_proba(asked, check_input=False)[:, 1])

    return np.mean(list(map_in_threads(of_tree, range(trees))), axis=0)


class _Network(nn.Module):
    """Three strided convolutions and a linear score of all that is left of the image."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Images f32[B,S,S,C] in [-1, 1] -> f32[B]."""
        for width in (16, 32, 32):
            x = nn.Conv(width, (3, 3), (2, 2), conv_general_dilated=conv_general_dilated)(x)
            x = nn.relu(nn.GroupNorm(num_groups=8)(x))
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0]


def _to_range(images: jax.Array) -> jax.Array:
    return images.astype(jnp.float32) / 127.5 - 1


def _optimiser() -> optax.GradientTransformation:
    return optax.adamw(optax.cosine_decay_schedule(_RATE, STEPS), weight_decay=0.01)


@functools.cache
def _step() -> Callable[..., tuple[parallel.Tree, parallel.Tree]]:
    @jax.jit
    def step(
        params: parallel.Tree, opt_state: parallel.Tree, images: jax.Array, labels: jax.Array
    ) -> tuple[parallel.Tree, parallel.Tree]:
        def loss(params: parallel.Tree) -> jax.Array:
            logits = _Network().apply(params, _to_range(images))
            return optax.sigmoid_binary_cross_entropy(logits, labels).mean()

        updates, opt_state = _optimiser().update(jax.grad(loss)(params), opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    return step


@functools.cache
def _scores() -> Callable[..., parallel.Tree]:
    def score(params: parallel.Tree, images: jax.Array) -> jax.Array:
        return cast(jax.Array, _Network().apply(params, _to_range(images)))

    return parallel.map_examples(score, _BATCH)


def _begin(images: np.ndarray, seed: int) -> tuple[parallel.Tree, parallel.Tree]:
    params = _Network().init(jax.random.key(seed), _to_range(jnp.asarray(images[:1])))
    return params, _optimiser().init(params)


def timed_network_step(images: np.ndarray, seed: int) -> Callable[[], parallel.Tree]:
    """Returns a function that trains a network of its own for one of STEPS steps, to be timed.

    Args:
      images: u8[N,S,S,C], one or more, as of `network_auroc`.
      seed: of the weights.
    """
    state = _begin(images, seed)
    batch = images[np.arange(_BATCH) % len(images)]
    labels = np.arange(_BATCH, dtype=np.float32) % 2

    def step() -> parallel.Tree:
        nonlocal state
        state = _step()(*state, batch, labels)
        return state

    return step


def network_auroc(first: np.ndarray, second: np.ndarray, seed: int) -> Measured:
    """AUROC of a small cross-fitted network, of 20 to 40 thousand weights.

    Args:
      first: u8[N,S,S,C], two images or more, at most 32 pixels wide to be quick.
      second: u8[M,S,S,C], likewise.
      seed: of folds, weights and batches.
    """
    x = np.concatenate([first, second])
    y = np.repeat([1, 0], [len(first), len(second)])
    rng, scores = np.random.default_rng(seed), np.zeros(len(x))
    folds = StratifiedKFold(NETWORK_FOLDS, shuffle=True, random_state=seed)
    for train, left_out in folds.split(x, y):
        params, opt_state = _begin(x, seed)
        passes = [rng.permutation(train) for _ in range(-(-STEPS * _BATCH // len(train)))]
        for batch in np.concatenate(passes)[: STEPS * _BATCH].reshape(STEPS, _BATCH):
            params, opt_state = _step()(params, opt_state, x[batch], y[batch].astype(np.float32))
        scores[left_out] = _scores()(params, x[left_out])
    return auroc(scores[y == 1], scores[y == 0])
