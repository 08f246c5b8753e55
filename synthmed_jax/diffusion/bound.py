"""The variational bound of a diffusion model in bits per dimension (paper eq. 6; Ho et al. 2020).

L = L_T + sum over t of L_{t-1} + L_0: how far x_T is from pure noise, how far each reverse step is
from the true posterior, and how well the last step lands on the 256 grey levels.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from synthmed_jax.diffusion.process import at
from synthmed_jax.diffusion.samplers import DenoiseFn
from synthmed_jax.diffusion.schedule import Schedule

GREY_STEP = 1 / 127.5  # distance of neighbouring grey levels in [-1, 1]


def _per_dimension(nats: jax.Array) -> jax.Array:
    """Nats of each value f32[B,H,W,C] -> bits per dimension f32[B]."""
    return jnp.mean(nats, axis=(1, 2, 3)) / math.log(2)


def prior_term(schedule: Schedule, x_0: jax.Array) -> jax.Array:
    """L_T = KL(q(x_T | x_0) || N(0, 1)), bits per dimension: f32[B,H,W,C] -> f32[B]."""
    alpha_bar = schedule.alpha_bar[-1]
    variance_part = -np.log1p(-alpha_bar) - alpha_bar
    return _per_dimension(0.5 * (variance_part + alpha_bar * jnp.square(x_0)))


def step_weight(schedule: Schedule) -> np.ndarray:
    """(SNR_{t-1} - SNR_t) / 2, nats per squared error of x_0 of reverse step t, f64[T].

    It is what KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) comes to with the posterior's variance
    (Kingma et al. 2021, eq. 13); infinite at t = 0, which `decoder_term` covers.
    """
    alpha_bar, prev = schedule.alpha_bar, schedule.alpha_bar_prev
    snr = alpha_bar / (1 - alpha_bar)
    snr_prev = np.divide(prev, 1 - prev, out=np.full_like(prev, np.inf), where=prev < 1)
    return (snr_prev - snr) / 2


def step_term(
    schedule: Schedule, denoise_fn: DenoiseFn, x_0: jax.Array, t: jax.Array, eps: jax.Array
) -> jax.Array:
    """L_{t-1} for t >= 1, bits per dimension, one draw of x_t.

    Args:
      x_0: f32[B,H,W,C] in [-1, 1].
      t: i32[B], 1 <= t < T.
      eps: f32[B,H,W,C], unit normal.

    Returns:
      f32[B].
    """
    alpha_bar = at(schedule.alpha_bar, t)
    x_t = jnp.sqrt(alpha_bar) * x_0 + jnp.sqrt(1 - alpha_bar) * eps
    error = jnp.square(denoise_fn(x_t, t) - x_0)
    return _per_dimension(at(step_weight(schedule), t) * error)


def decoder_term(
    schedule: Schedule, denoise_fn: DenoiseFn, x_0: jax.Array, eps: jax.Array
) -> jax.Array:
    """L_0 = -log p(x_0 | x_1), bits per dimension, x_0 on the 256 grey levels (their eq. 13).

    The Gaussian around the estimate has variance beta_0, the last step's own; its mass between
    half-way points belongs to the grey level between, everything outside to black and white.
    """
    t = jnp.zeros(x_0.shape[0], jnp.int32)
    alpha_bar = at(schedule.alpha_bar, t)
    x_1 = jnp.sqrt(alpha_bar) * x_0 + jnp.sqrt(1 - alpha_bar) * eps
    mean = denoise_fn(x_1, t)
    scale = math.sqrt(schedule.beta[0])
    above = jnp.where(x_0 > 1 - GREY_STEP / 2, jnp.inf, (x_0 + GREY_STEP / 2 - mean) / scale)
    below = jnp.where(x_0 < -1 + GREY_STEP / 2, -jnp.inf, (x_0 - GREY_STEP / 2 - mean) / scale)
    # The mass of a thin slice far out cancels in float32: take it on the side where tails are small
    flip = below > 0
    low, high = jnp.where(flip, -above, below), jnp.where(flip, -below, above)
    log_high = norm.logcdf(high)
    log_mass = log_high + jnp.log(-jnp.expm1(jnp.minimum(norm.logcdf(low) - log_high, -1e-7)))
    return _per_dimension(-log_mass)
