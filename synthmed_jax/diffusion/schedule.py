"""Noise schedules in float64: beta_t and alpha-bar_t (paper eq. 1-3).

Index convention: array index t = 0 is ONE noising step, so `alpha_bar[t]` is the product of
1 - beta over the first t + 1 steps, and the clean image has alpha-bar 1 (before index 0).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from synthmed_jax.errors import UserError

MAX_BETA = 0.999  # Nichol & Dhariwal 2021: keeps alpha-bar away from 0 at the end of the cosine.


class Schedule(NamedTuple):
    """A variance schedule of T steps.

    Attributes:
      beta: f64[T], variance added by step t, in (0, 1).
      alpha_bar: f64[T], share of the clean image's variance left after step t, falling in (0, 1).
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


def _linear(num_steps: int) -> np.ndarray:
    """Ho et al. 2020: 1e-4 to 0.02 at T = 1000, scaled so that any T ends at the same noise."""
    scale = 1000 / num_steps
    return np.minimum(np.linspace(1e-4 * scale, 0.02 * scale, num_steps), MAX_BETA)


def _cosine(num_steps: int) -> np.ndarray:
    """Nichol & Dhariwal 2021, eq. 17: alpha-bar = cos^2, with their offset s = 0.008."""
    u = np.arange(num_steps + 1, dtype=np.float64) / num_steps
    f = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.minimum(1 - f[1:] / f[:-1], MAX_BETA)


SCHEDULES: dict[str, Callable[[int], np.ndarray]] = {"linear": _linear, "cosine": _cosine}


def make_schedule(kind: str, num_steps: int) -> Schedule:
    """Builds a schedule.

    Args:
      kind: one of SCHEDULES.
      num_steps: T >= 1.

    Raises:
      UserError: unknown kind, or fewer than one step.
    """
    if kind not in SCHEDULES:
        raise UserError(f"schedule {kind!r} is unknown; choose one of {', '.join(SCHEDULES)}")
    if num_steps < 1:
        raise UserError(f"a schedule needs at least 1 step, not {num_steps}")
    beta = SCHEDULES[kind](num_steps)
    return Schedule(beta=beta, alpha_bar=np.cumprod(1 - beta))
