"""The learning rate of a classifier's training, and the numbers that its program takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Rates(NamedTuple):
    """Numbers of a training, each f32[]: arguments, so that one compiled program serves any.

    Attributes:
      learning_rate, weight_decay, label_smoothing: as in TrainingSettings.
      warmup_steps, total_steps: of the learning rate's schedule.
    """

    learning_rate: jax.Array
    weight_decay: jax.Array
    label_smoothing: jax.Array
    warmup_steps: jax.Array
    total_steps: jax.Array


# Share of the peak rate by progress after the warm-up, 0 to 1.
SCHEDULES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "cosine": lambda progress: 0.5 * (1 + jnp.cos(jnp.pi * progress)),
    "constant": jnp.ones_like,
}


def rate_at(schedule: str, step: jax.Array, total_steps: jax.Array, warmup: jax.Array) -> jax.Array:
    """Share of the peak rate: linear warm-up, then one of SCHEDULES until total_steps."""
    progress = jnp.clip((step - warmup) / jnp.maximum(total_steps - warmup, 1), 0, 1)
    return jnp.minimum((step + 1) / jnp.maximum(warmup, 1), SCHEDULES[schedule](progress))
