"""Noise schedules in float64: beta_t and alpha-bar_t (paper eq. 1-3).

Index t = 0 is ONE noising step, so `alpha_bar[t]` is the product of 1 - beta over the first t + 1
steps. The clean image, whose alpha-bar is 1, comes before index 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from synthmed_jax.errors import UserError

MAX_BETA = 0.999  # Nichol & Dhariwal 2021: without it the cosine schedule's alpha-bar ends at 0.


class Schedule(NamedTuple):
    """A variance schedule of T steps.

    Attributes:
      beta: f64[T], variance that step t adds, in (0, 1); with zero terminal SNR the last is 1.
      alpha_bar: f64[T], share of the clean image's variance that is left after step t, falling in
        (0, 1); with zero terminal SNR the last is 0.
    """

    beta: np.ndarray
    alpha_bar: np.ndarray

    @property
    def alpha_bar_prev(self) -> np.ndarray:
        """f64[T], alpha-bar one step earlier; 1 (the clean image) at t = 0."""
        return np.append(1.0, self.alpha_bar[:-1])

    @property
    def num_steps(self) -> int:
        """T."""
        return len(self.beta)

    @property
    def signal(self) -> np.ndarray:
        """f64[T], sqrt(alpha-bar): what x_0 is multiplied with in x_t."""
        return np.sqrt(self.alpha_bar)

    @property
    def noise(self) -> np.ndarray:
        """f64[T], sqrt(1 - alpha-bar): the standard deviation of the noise in x_t.

        In float32, 1 - alpha-bar would lose most of its digits where there is little noise.
        """
        return np.sqrt(1 - self.alpha_bar)

    @property
    def snr(self) -> np.ndarray:
        """f64[T], the signal-to-noise ratio alpha-bar / (1 - alpha-bar)."""
        return self.alpha_bar / (1 - self.alpha_bar)


def _linear(num_steps: int) -> np.ndarray:
    """Ho et al. 2020: 1e-4 to 0.02 at T = 1000, scaled so that any T ends at the same noise."""
    scale = 1000 / num_steps
    return np.minimum(np.linspace(1e-4 * scale, 0.02 * scale, num_steps), MAX_BETA)


def _cosine(num_steps: int) -> np.ndarray:
    """Nichol & Dhariwal 2021, eq. 17: alpha-bar = cos^2, with their offset s = 0.008."""
    u = np.arange(num_steps + 1, dtype=np.float64) / num_steps
    f = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.minimum(1 - f[1:] / f[:-1], MAX_BETA)


def _sigmoid(num_steps: int) -> np.ndarray:
    """Jabri et al. 2022, algorithm 1: alpha-bar a falling sigmoid from -3 to 3, temperature 1."""
    u = np.arange(num_steps + 1, dtype=np.float64) / num_steps
    falling = 1 / (1 + np.exp(6 * u - 3))
    f = (falling - falling[-1]) / (falling[0] - falling[-1])
    return np.minimum(1 - f[1:] / f[:-1], MAX_BETA)


SCHEDULES: dict[str, Callable[[int], np.ndarray]] = {
    "linear": _linear,
    "cosine": _cosine,
    "sigmoid": _sigmoid,
}


def make_schedule(
    kind: str, num_steps: int, *, zero_terminal_snr: bool = False, noise_scale: float = 1.0
) -> Schedule:
    """Builds a schedule.

    Args:
      kind: one of SCHEDULES.
      num_steps: T >= 1.
      zero_terminal_snr: see `rescale_to_zero_terminal_snr`.
      noise_scale: see `scale_noise`.

    Raises:
      UserError: unknown kind, or fewer than one step (two with zero terminal SNR).
    """
    if kind not in SCHEDULES:
        raise UserError(f"schedule {kind!r} is unknown; choose one of {', '.join(SCHEDULES)}")
    least = 2 if zero_terminal_snr else 1
    if num_steps < least:
        raise UserError(f"this schedule needs at least {least} steps, not {num_steps}")
    beta = SCHEDULES[kind](num_steps)
    schedule = Schedule(beta=beta, alpha_bar=np.cumprod(1 - beta))
    if noise_scale != 1:
        schedule = scale_noise(schedule, noise_scale)
    return rescale_to_zero_terminal_snr(schedule) if zero_terminal_snr else schedule


def rescale_to_zero_terminal_snr(schedule: Schedule) -> Schedule:
    """Makes the last step pure noise, which is what sampling starts from (Lin et al. 2024, alg. 1).

    sqrt(alpha-bar) is shifted to 0 at the last step and scaled to keep its value at the first.
    """
    root = np.sqrt(schedule.alpha_bar)
    return _of_alpha_bar(np.square((root - root[-1]) * root[0] / (root[0] - root[-1])))


def scale_noise(schedule: Schedule, factor: float) -> Schedule:
    """Multiplies the ratio of noise to image at every step, in standard deviations, by a factor.

    Noise of one strength hides less of a larger image: means over neighbouring pixels, of which it
    has more for the same detail, take the noise away. An image of twice the side needs twice the
    ratio (Hoogeboom et al. 2023, simple diffusion, section 3.1).

    Args:
      factor: above 0.
    """
    kept = schedule.alpha_bar
    return _of_alpha_bar(kept / (kept + factor**2 * (1 - kept)))


def _of_alpha_bar(alpha_bar: np.ndarray) -> Schedule:
    return Schedule(beta=1 - alpha_bar / np.append(1.0, alpha_bar[:-1]), alpha_bar=alpha_bar)
