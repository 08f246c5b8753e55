"""Samplers: one step x_t -> x_{t-1} given an estimate of x_0, and the compiled loop around it.

A sampler knows no network. It gets a schedule, which may be a `respace`d one of fewer steps, and
the loop gets a bare `denoise_fn(x_t, t) -> x_0`.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from synthmed_jax.diffusion.process import at, p_step
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.errors import UserError

DenoiseFn = Callable[[jax.Array, jax.Array], jax.Array]
Step = Callable[[Schedule, jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]


def respace(schedule: Schedule, num_steps: int) -> tuple[Schedule, np.ndarray]:
    """The same process looked at in fewer steps (Nichol & Dhariwal 2021, eq. 19).

    Args:
      schedule: of T steps.
      num_steps: S, 1 <= S <= T.

    Returns:
      A schedule of S steps and i32[S], the step of the full schedule that each stands for; the
      last is always T - 1.

    Raises:
      UserError: S out of range.
    """
    total = schedule.num_steps
    if not 1 <= num_steps <= total:
        raise UserError(f"a sampler needs 1 to {total} steps (the schedule's T), not {num_steps}")
    t = np.ceil(np.arange(1, num_steps + 1) * total / num_steps).astype(np.int32) - 1
    alpha_bar = schedule.alpha_bar[t]
    beta = 1 - alpha_bar / np.append(1.0, alpha_bar[:-1])
    return Schedule(beta=beta, alpha_bar=alpha_bar), t


def ddim_step(
    schedule: Schedule, x_0: jax.Array, x_t: jax.Array, t: jax.Array, eps: jax.Array
) -> jax.Array:
    """Deterministic DDIM (Song et al. 2021, eq. 12 with eta = 0); `eps` is not used."""
    del eps
    alpha_bar, prev = at(schedule.alpha_bar, t), at(schedule.alpha_bar_prev, t)
    direction = (x_t - jnp.sqrt(alpha_bar) * x_0) / jnp.sqrt(1 - alpha_bar)
    return jnp.sqrt(prev) * x_0 + jnp.sqrt(1 - prev) * direction


# "ddpm" is ancestral sampling, the paper's own (DDPM algorithm 2).
SAMPLERS: dict[str, Step] = {"ddpm": p_step, "ddim": ddim_step}


def initial_noise(keys: jax.Array, shape: tuple[int, int, int]) -> jax.Array:
    """x_T of each image from its own key: key[B] -> f32[B,H,W,C]."""
    return jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, 0), shape))(keys)


def run_steps(
    step: Step,
    denoise_fn: DenoiseFn,
    schedule: Schedule,
    timesteps: np.ndarray,
    keys: jax.Array,
    x: jax.Array,
    first: jax.Array,
    count: int,
) -> jax.Array:
    """Takes `count` sampling steps, from step `first` (0 is the noisiest), in one `lax.scan`.

    Args:
      step: one of SAMPLERS.
      denoise_fn: (x_t f32[B,H,W,C], t i32[B]) -> x_0 estimate; t counts the FULL schedule's steps.
      schedule, timesteps: from `respace`, S steps.
      keys: key[B], one an image; the noise of an image depends on nothing else.
      x: f32[B,H,W,C].
      first: i32[], 0 <= first < S.
      count: steps; those past the end (first + count > S) change nothing.

    Returns:
      f32[B,H,W,C].
    """
    total = schedule.num_steps
    table = jnp.asarray(timesteps)

    def body(x: jax.Array, i: jax.Array) -> tuple[jax.Array, None]:
        s = jnp.full(x.shape[0], jnp.maximum(total - 1 - i, 0))
        eps = jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, i + 1), x.shape[1:]))(
            keys
        )
        stepped = step(schedule, denoise_fn(x, table[s]), x, s, eps)
        return jnp.where(i < total, stepped, x), None

    return lax.scan(body, x, first + jnp.arange(count))[0]
