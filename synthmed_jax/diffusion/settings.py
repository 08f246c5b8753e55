"""The config block `diffusion` as frozen dataclasses, checked.

Fields are those of configs/base.py.
"""

from __future__ import annotations

import dataclasses

from synthmed_jax import checks, parallel
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.diffusion.conditioning import CONDITIONINGS
from synthmed_jax.diffusion.process import PREDICTIONS, TIMESTEPS, WEIGHTINGS
from synthmed_jax.diffusion.schedule import SCHEDULES, Schedule, make_schedule
from synthmed_jax.diffusion.unet_settings import UNetSettings
from synthmed_jax.errors import UserError

# With fewer steps than these, the linear schedule's last ones leave nothing of the image.
LINEAR_STEPS = 21


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """How the diffusion model is trained: config.diffusion.train.

    Attributes:
      steps: optimiser steps at most.
      batch_size: images per step, over all devices.
      accumulate: parts of a device's batch whose gradients are added up one after the other, for
        batches that do not fit into memory.
      learning_rate: peak of Adam's rate, after `warmup_steps`, before a cosine decay to 0.
      warmup_steps: steps of linear warm-up, fewer than `steps`.
      ema_half_lives: of the weights' moving averages, steps; images are drawn from the one with the
        lowest validation loss, from the first where there is no `val`.
      clip_norm: largest global norm of the gradient.
      weighting: of the steps' losses, one of WEIGHTINGS.
      timesteps: how t is drawn, one of TIMESTEPS.
      label_dropout: share of training labels replaced by "no class", which guidance needs; 0 to
        below 1.
      log_every, val_every: steps between records of the loss, and between validations.
      patience: validations without a lower loss before training may stop (see `stop`); 0: never.
      save_minutes: minutes between checkpoints.
      seed: of weights, batches and noise.
      keep_every: steps between weights that stay, for the audit to look back at; a multiple of
        `val_every`; 0: none stay but the best.
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
    keep_every: int = 0

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch_size": 1, "accumulate": 1, "warmup_steps": 0, "log_every": 1}
        least |= {"val_every": 1, "patience": 0, "save_minutes": 0, "seed": 0, "keep_every": 0}
        for name, value in least.items():
            checks.at_least(f"config.diffusion.train.{name}", getattr(self, name), value)
        for name in ("learning_rate", "clip_norm"):
            checks.above(f"config.diffusion.train.{name}", getattr(self, name), 0)
        checks.one_of("config.diffusion.train.weighting", self.weighting, WEIGHTINGS)
        checks.one_of("config.diffusion.train.timesteps", self.timesteps, TIMESTEPS)
        checks.between("config.diffusion.train.label_dropout", self.label_dropout, 0, 1)
        if self.warmup_steps >= self.steps:
            raise UserError(
                f"config.diffusion.train.warmup_steps={self.warmup_steps} must be below "
                f"config.diffusion.train.steps={self.steps}"
            )
        if self.keep_every % self.val_every:
            raise UserError(
                f"config.diffusion.train.keep_every={self.keep_every} must be a multiple of "
                f"config.diffusion.train.val_every={self.val_every}: weights are kept where they "
                "are measured"
            )
        if not self.ema_half_lives or min(self.ema_half_lives) < 1:
            raise UserError(
                f"config.diffusion.train.ema_half_lives={self.ema_half_lives} must be at least one "
                "number of steps, from 1"
            )


def check_batch(settings: TrainSettings) -> None:
    """Raises UserError for fewer images in a batch than devices, or in a share than parts."""
    size, devices = settings.batch_size, parallel.device_count_of_all_hosts()
    if size < devices:
        raise UserError(
            f"config.diffusion.train.batch_size={size} can't be split over {devices} devices, some "
            f"of which would have no image: take {devices} or more, or fewer devices"
        )
    local = -(-size // devices)
    if local < settings.accumulate:
        raise UserError(
            f"config.diffusion.train.accumulate={settings.accumulate} can't divide the {local} "
            f"image(s) of a device's batch: take {local} or less"
        )


@dataclasses.dataclass(frozen=True)
class DiffusionSettings:
    """The generator: config.diffusion.

    Attributes:
      conditioning: one model of all classes or one model per class, one of CONDITIONINGS.
      noise_schedule: one of SCHEDULES.
      zero_terminal_snr: whether the last step is pure noise; not with prediction "eps".
      num_steps: T >= 2.
      noise_scale: of the schedule's noise over the image, see `schedule.scale_noise`; above 0.
      prediction: what the network predicts, one of PREDICTIONS.
      flips, shift, warp: of the training images, see `Augmentation`.
      unet: the network's shape.
      train: how it is trained.
    """

    conditioning: str
    noise_schedule: str
    zero_terminal_snr: bool
    num_steps: int
    prediction: str
    flips: str
    shift: int
    warp: float
    unet: UNetSettings
    train: TrainSettings
    noise_scale: float = 1.0

    def __post_init__(self) -> None:
        checks.one_of("config.diffusion.conditioning", self.conditioning, CONDITIONINGS)
        checks.one_of("config.diffusion.noise_schedule", self.noise_schedule, SCHEDULES)
        checks.one_of("config.diffusion.prediction", self.prediction, PREDICTIONS)
        # One step would go from the image to noise at once, and with the linear schedule not even
        # there: its alpha-bar is 0.9.
        checks.at_least("config.diffusion.num_steps", self.num_steps, 2)
        checks.above("config.diffusion.noise_scale", self.noise_scale, 0)
        Augmentation(self.flips, self.shift, self.warp)  # raises where a value is out of range
        if self.zero_terminal_snr and self.prediction == "eps":
            raise UserError(
                "config.diffusion.zero_terminal_snr=True can't go with prediction=eps: at pure "
                "noise eps says nothing about the image; use v or x0"
            )
        if self.conditioning == "per_class" and self.train.label_dropout:
            raise UserError(
                "config.diffusion.conditioning=per_class tells no model a class: there is nothing "
                f"for config.diffusion.train.label_dropout={self.train.label_dropout} to hide"
            )

    @property
    def schedule(self) -> Schedule:
        """How noise comes in over the steps."""
        return make_schedule(
            self.noise_schedule,
            self.num_steps,
            zero_terminal_snr=self.zero_terminal_snr,
            noise_scale=self.noise_scale,
        )

    @property
    def augmentation(self) -> Augmentation:
        """How training images are varied."""
        return Augmentation(self.flips, self.shift, self.warp)
