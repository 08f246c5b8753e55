"""How the diffusion model is trained."""

from __future__ import annotations

import dataclasses

from synthmed_jax import checks, parallel
from synthmed_jax.diffusion import process
from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """How the diffusion model is trained.

    Attributes:
      steps: optimiser steps at most.
      batch_size: images a step, over all devices.
      accumulate: parts of a device's batch whose gradients are added up one after the other, for
        batches that do not fit into memory.
      learning_rate: peak of Adam's rate, after `warmup_steps`, before a cosine decay to 0.
      warmup_steps: steps of linear warm-up.
      ema_half_lives: of the weights' moving averages, steps; images are drawn from the one with the
        lowest validation loss, from the first where there is no `val`.
      clip_norm: largest global norm of the gradient.
      weighting: of the steps' losses, one of WEIGHTINGS.
      timesteps: how t is drawn, one of TIMESTEPS.
      label_dropout: share of training labels replaced by "no class", which guidance needs.
      log_every, val_every: steps between records of the loss and checks on `val`.
      patience: checks without a lower validation loss before training may stop (see `stop`); 0:
        never.
      save_minutes: minutes between checkpoints.
      seed: of weights, batches and noise.
    """

    steps: int
    batch_size: int
    accumulate: int
    learning_rate: float
    warmup_steps: int
    ema_half_lives: tuple[int, ...]
    clip_norm: float
    weighting: str
    timesteps: str
    label_dropout: float
    log_every: int
    val_every: int
    patience: int
    save_minutes: float
    seed: int

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch_size": 1, "accumulate": 1, "warmup_steps": 0, "log_every": 1}
        least |= {"val_every": 1, "patience": 0, "save_minutes": 0, "seed": 0}
        for name, value in least.items():
            checks.at_least(f"config.diffusion.train.{name}", getattr(self, name), value)
        for name in ("learning_rate", "clip_norm"):
            checks.above(f"config.diffusion.train.{name}", getattr(self, name), 0)
        checks.one_of("config.diffusion.train.weighting", self.weighting, process.WEIGHTINGS)
        checks.one_of("config.diffusion.train.timesteps", self.timesteps, process.TIMESTEPS)
        checks.between("config.diffusion.train.label_dropout", self.label_dropout, 0, 1)
        if self.warmup_steps >= self.steps:
            raise UserError(
                f"config.diffusion.train.warmup_steps={self.warmup_steps} must be below "
                f"config.diffusion.train.steps={self.steps}"
            )
        if not self.ema_half_lives or min(self.ema_half_lives) < 1:
            raise UserError(
                f"config.diffusion.train.ema_half_lives={self.ema_half_lives} must be at least one "
                "number of steps, from 1"
            )


def check_batch(settings: TrainSettings) -> None:
    """Raises UserError if a batch can't be split over devices and then into `accumulate` parts."""
    parallel.check_batch_size("config.diffusion.train.batch_size", settings.batch_size)
    local = settings.batch_size // parallel.device_count()
    if local % settings.accumulate:
        raise UserError(
            f"config.diffusion.train.accumulate={settings.accumulate} can't divide the {local} "
            "images of a device's batch evenly"
        )
