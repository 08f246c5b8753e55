"""What stands between a network and a sampler: prediction to x_0, thresholds and guidance.

A denoiser is (x_t f32[B,H,W,C], t i32[B]) -> x_0 f32[B,H,W,C]; here they are built and wrapped.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from synthmed_jax.diffusion.process import predict_x0
from synthmed_jax.diffusion.samplers import DenoiseFn
from synthmed_jax.diffusion.schedule import Schedule

DYNAMIC_QUANTILE = 0.995  # Saharia et al. 2022, appendix A.4.


def from_network(
    network: Callable[[jax.Array, jax.Array], jax.Array], schedule: Schedule, prediction: str
) -> DenoiseFn:
    """The x_0 estimate of network(x_t, t), which predicts `prediction` (one of PREDICTIONS)."""
    return lambda x_t, t: predict_x0(schedule, network(x_t, t), x_t, t, prediction)


def guided(
    denoise_both: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]],
    schedule: Schedule,
    weight: float,
    interval: tuple[float, float] = (0.0, 1.0),
) -> DenoiseFn:
    """Classifier-free guidance: x_0 = u + weight (c - u) (Ho & Salimans 2022, eq. 6).

    Guiding x_0 or eps is the same, both being linear in each other at a given x_t.

    Args:
      denoise_both: (x_t, t) -> the x_0 estimates with and without a class.
      weight: 1 is no guidance, more pulls towards the class.
      interval: (low, high), shares of T: guidance acts where low <= t / T < high (Kynkaanniemi et
        al. 2024: at high noise it costs variety, at low noise it does nothing).
    """
    low, high = (share * schedule.num_steps for share in interval)

    def denoise(x_t: jax.Array, t: jax.Array) -> jax.Array:
        c, u = denoise_both(x_t, t)
        acts = ((t >= low) & (t < high))[:, None, None, None]
        return jnp.where(acts, u + weight * (c - u), c)

    return denoise


def _none(x_0: jax.Array) -> jax.Array:
    return x_0


def _clip(x_0: jax.Array) -> jax.Array:
    """Images live in [-1, 1]."""
    return jnp.clip(x_0, -1, 1)


def _dynamic(x_0: jax.Array) -> jax.Array:
    """Clips each image at its own 99.5 % quantile of |x_0|, at least 1, and divides by it.

    Strong guidance pushes many pixels over the edge at once; plain clipping would flatten them.
    """
    quantile = jnp.quantile(jnp.abs(x_0), DYNAMIC_QUANTILE, axis=(1, 2, 3), keepdims=True)
    limit = jnp.maximum(quantile, 1.0)
    return jnp.clip(x_0, -limit, limit) / limit


THRESHOLDS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "none": _none,
    "clip": _clip,
    "dynamic": _dynamic,
}


def thresholded(denoise_fn: DenoiseFn, threshold: str) -> DenoiseFn:
    """Keeps x_0 in range by one of THRESHOLDS."""
    limit = THRESHOLDS[threshold]
    return lambda x_t, t: limit(denoise_fn(x_t, t))
