"""Moving averages of the weights, of stated half-lives."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def decay_at(step: jax.Array, half_life: float) -> jax.Array:
    """Decay of the average at a step: 0.5^(1 / half-life), warmed up as min(., (1+n) / (10+n)).

    Without the warm-up an average of a short training would still hold the initial weights.

    Args:
      step: i32[], n, optimiser steps before this one.
      half_life: steps after which a weight's share in the average has halved.
    """
    return jnp.minimum(0.5 ** (1 / half_life), (1 + step) / (10 + step))


def update(average: Any, params: Any, step: jax.Array, half_life: float) -> Any:
    """The average after one more step's weights."""
    decay = decay_at(step, half_life)
    return jax.tree.map(lambda e, p: decay * e + (1 - decay) * p, average, params)
