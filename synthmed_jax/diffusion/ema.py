"""Moving averages of the weights, of stated half-lives."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from synthmed_jax.parallel import Tree


def decay_at(step: jax.Array, half_life: float) -> jax.Array:
    """Decay of the average at a step: min(0.5^(1 / half_life), (1 + n) / (10 + n)).

    Without the second term, a warm-up, the average of a short training would still hold the initial
    weights.

    Args:
      step: i32[], n, optimiser steps before this one.
      half_life: steps after which the share of a step's weights in the average has halved.

    Returns:
      f32[], the share of the average so far in the next one.
    """
    return jnp.minimum(0.5 ** (1 / half_life), (1 + step) / (10 + step))


def update(average: Tree, params: Tree, step: jax.Array, half_life: float) -> Tree:
    """The average with the weights of one more step in it; arguments as of `decay_at`."""
    decay = decay_at(step, half_life)
    return jax.tree.map(lambda e, p: decay * e + (1 - decay) * p, average, params)
