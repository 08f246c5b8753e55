"""Between a network and a sampler: estimates of x_0 from its output, guidance and thresholds.

A denoiser is (x_t f32[B,H,W,C], t i32[B]) -> estimate of x_0 f32[B,H,W,C].
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
    """The denoiser of network(x_t, t), which predicts `prediction` (one of PREDICTIONS)."""
    return lambda x_t, t: predict_x0(schedule, network(x_t, t), x_t, t, prediction)


def guided(
    denoise_both: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]],
    schedule: Schedule,
    weight: float,
    interval: tuple[float, float] = (0.0, 1.0),
) -> DenoiseFn:
    """Classifier-free guidance: x_0 = u + weight (c - u) (Ho & Salimans 2022, eq. 6).

    c is the estimate where the network is told the class, u where it is not. Guiding x_0 is the
    same as guiding eps, since at a given x_t one is a linear function of the other.

    Args:
      denoise_both: (x_t, t) -> (c, u).
      weight: 1 is no guidance; more pulls the image towards its class.
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
    """Clips to [-1, 1], the range of images."""
    return jnp.clip(x_0, -1, 1)


def _dynamic(x_0: jax.Array) -> jax.Array:
    """Clips each image at the 99.5 % quantile of its |x_0|, at least 1, and divides by it.

    Strong guidance pushes many pixels out of range at once; plain clipping would make them equal.
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
    """Puts one of THRESHOLDS behind a denoiser."""
    limit = THRESHOLDS[threshold]
    return lambda x_t, t: limit(denoise_fn(x_t, t))
