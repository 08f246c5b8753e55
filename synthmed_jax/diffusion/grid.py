"""Where sampling looks at the process: some of a schedule's T steps, noisiest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from synthmed_jax import checks
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.errors import UserError

NOISE_LOG_SNR = -8.0  # alpha-bar 0.0003: nothing of the image can be seen


class Grid(NamedTuple):
    """The points of the process that sampling goes through, noisiest first.

    Attributes:
      t: what `denoise_fn` is given at each of S noisy points: a step of the schedule, or a real
        number where time is continuous; [S], or [S+1] if the last point is noisy too.
      alpha_bar: f64[S+1], rising; the last point is where sampling ends, 1 for the clean image.
    """

    t: np.ndarray
    alpha_bar: np.ndarray


def _by_time(schedule: Schedule, num_steps: int) -> np.ndarray:
    """Evenly in t (Nichol & Dhariwal 2021)."""
    total = schedule.num_steps
    return np.ceil(np.arange(1, num_steps + 1) * total / num_steps).astype(np.int32) - 1


def _by_log_snr(schedule: Schedule, num_steps: int) -> np.ndarray:
    """Evenly in log-SNR = log(alpha-bar / (1 - alpha-bar)), as DPM-Solver's authors advise.

    Everything below NOISE_LOG_SNR is noise, and the first step alone crosses it. Where the
    schedule's steps lie further apart than the points, a point takes the nearest step that no other
    point has.
    """
    alpha_bar = np.maximum(schedule.alpha_bar, np.finfo(np.float64).tiny)
    log_snr = np.maximum(np.log(alpha_bar) - np.log1p(-schedule.alpha_bar), NOISE_LOG_SNR)
    total = schedule.num_steps
    wanted = np.linspace(log_snr[0], log_snr[-1], num_steps)
    t = np.rint(np.interp(-wanted, -log_snr, np.arange(total))).astype(np.int32)
    t[-1] = total - 1
    rank = np.arange(num_steps)
    # Several points may share a step: push them apart upwards, then those above T - 1 back down.
    t = np.maximum.accumulate(t - rank) + rank
    return np.minimum(t, total - num_steps + rank)


SPACINGS: dict[str, Callable[[Schedule, int], np.ndarray]] = {
    "time": _by_time,
    "log_snr": _by_log_snr,
}


def make_grid(schedule: Schedule, num_steps: int, spacing: str = "time") -> Grid:
    """Chooses S of a schedule's T steps; the noisiest is always T - 1, the end is the clean image.

    Raises:
      UserError: S out of 1..T, or an unknown spacing.
    """
    checks.one_of("spacing", spacing, SPACINGS)
    total = schedule.num_steps
    if not 1 <= num_steps <= total:
        raise UserError(f"a sampler needs 1 to {total} steps (the schedule's T), not {num_steps}")
    t = SPACINGS[spacing](schedule, num_steps)[::-1]
    return Grid(t=t, alpha_bar=np.append(schedule.alpha_bar[t], 1.0))
