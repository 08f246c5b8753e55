"""The variational bound of a diffusion model in bits per dimension (paper eq. 6; Ho et al. 2020).

L = L_T + (sum over t of L_{t-1}) + L_0: how far x_T is from pure noise, how far each reverse step
is from the true posterior, and how well the last step meets the right one of 256 grey levels.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from synthmed_jax.diffusion.process import at, q_sample
from synthmed_jax.diffusion.samplers import DenoiseFn
from synthmed_jax.diffusion.schedule import Schedule

GREY_STEP = 1 / 127.5  # distance between neighbouring grey levels in [-1, 1]


def _per_dimension(nats: jax.Array) -> jax.Array:
    """Nats per pixel and channel f32[B,H,W,C] -> bits per dimension f32[B]."""
    return jnp.mean(nats, axis=(1, 2, 3)) / math.log(2)


def prior_term(schedule: Schedule, x_0: jax.Array) -> jax.Array:
    """L_T = KL(q(x_T | x_0) || N(0, 1)), bits per dimension: f32[B,H,W,C] -> f32[B]."""
    alpha_bar = schedule.alpha_bar[-1]
    variance_part = -np.log1p(-alpha_bar) - alpha_bar
    return _per_dimension(0.5 * (variance_part + alpha_bar * jnp.square(x_0)))


def step_weight(schedule: Schedule) -> np.ndarray:
    """(SNR_{t-1} - SNR_t) / 2: nats of reverse step t per squared error of x_0, f64[T].

    With the posterior's variance, KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) is this weight
    times the squared error (Kingma et al. 2021, eq. 13). It is infinite at t = 0, where the bound
    has `decoder_term` instead.
    """
    snr = schedule.snr
    return (np.append(np.inf, snr[:-1]) - snr) / 2


def step_term(
    schedule: Schedule, denoise_fn: DenoiseFn, x_0: jax.Array, t: jax.Array, eps: jax.Array
) -> jax.Array:
    """L_{t-1} for t >= 1, bits per dimension, estimated from one draw of x_t.

    Args:
      denoise_fn: (x_t, t) -> estimate of x_0.
      x_0: f32[B,H,W,C] in [-1, 1].
      t: i32[B], 1 <= t < T.
      eps: f32[B,H,W,C], unit normal.

    Returns:
      f32[B].
    """
    error = jnp.square(denoise_fn(q_sample(schedule, x_0, t, eps), t) - x_0)
    return _per_dimension(at(step_weight(schedule), t) * error)


def decoder_term(
    schedule: Schedule, denoise_fn: DenoiseFn, x_0: jax.Array, eps: jax.Array
) -> jax.Array:
    """L_0 = -log p(x_0 | x_1), bits per dimension (Ho et al. 2020, eq. 13), of one draw of x_1.

    p is a Gaussian around the estimate, of variance beta_0. A grey level's probability is its mass
    from half-way to the level below to half-way to the level above; black and white get the tails.

    Args:
      denoise_fn: (x_1, t = 0) -> estimate of x_0.
      x_0: f32[B,H,W,C] on the 256 grey levels in [-1, 1].
      eps: f32[B,H,W,C], unit normal.

    Returns:
      f32[B].
    """
    t = jnp.zeros(x_0.shape[0], jnp.int32)
    mean = denoise_fn(q_sample(schedule, x_0, t, eps), t)
    scale = math.sqrt(schedule.beta[0])
    above = jnp.where(x_0 > 1 - GREY_STEP / 2, jnp.inf, (x_0 + GREY_STEP / 2 - mean) / scale)
    below = jnp.where(x_0 < -1 + GREY_STEP / 2, -jnp.inf, (x_0 - GREY_STEP / 2 - mean) / scale)
    # Far above the mean both cdfs round to 1 and their difference to 0; mirrored to below the mean
    # they are small numbers, whose difference keeps its digits.
    flip = below > 0
    low, high = jnp.where(flip, -above, below), jnp.where(flip, -below, above)
    log_high = norm.logcdf(high)
    log_mass = log_high + jnp.log(-jnp.expm1(jnp.minimum(norm.logcdf(low) - log_high, -1e-7)))
    return _per_dimension(-log_mass)
