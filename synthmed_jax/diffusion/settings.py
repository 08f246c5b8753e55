"""The config blocks `diffusion`, `generate` and `sweep` as frozen dataclasses, checked.

Fields are those of configs/base.py. What only other blocks can tell (does `generate.steps` fit into
`diffusion.num_steps`?) is checked where all blocks are known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from synthmed_jax import checks, parallel
from synthmed_jax.data import class_counts
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.diffusion.conditioning import CONDITIONINGS
from synthmed_jax.diffusion.denoisers import THRESHOLDS
from synthmed_jax.diffusion.grid import SPACINGS
from synthmed_jax.diffusion.process import PREDICTIONS, TIMESTEPS, WEIGHTINGS
from synthmed_jax.diffusion.samplers import SAMPLERS
from synthmed_jax.diffusion.schedule import SCHEDULES
from synthmed_jax.errors import UserError

# How a block of the network takes step and class: "add" adds their embedding to the features (Ho et
# al. 2020); "scale_shift" scales and shifts the features with it after the second norm (Dhariwal &
# Nichol 2021).
EMBEDDINGS = ("scale_shift", "add")
DTYPES = ("float32", "bfloat16")
# With fewer steps even in log-SNR, `heun` draws images of up to nine times the right variance, with
# a denoiser that makes no mistake: its steps are too wide for a mean of two slopes.
HEUN_LOG_SNR_STEPS = 8
# With fewer steps than these, the linear schedule's last ones leave nothing of the image.
LINEAR_STEPS = 21


@dataclasses.dataclass(frozen=True)
class UNetSettings:
    """The network's shape: config.diffusion.unet.

    Attributes:
      channels: width of the first level, a multiple of 4.
      multipliers: width of each level over `channels`; each level after the first halves the side.
      blocks: residual blocks per level.
      attention: sides (in feature pixels) of the levels whose blocks get self-attention; see
        `check_attention`.
      patch: pixels of a side folded into channels before the first convolution (1: none). 2 makes
        a step about four times cheaper and costs little quality at 32x32.
      dropout: rate inside residual blocks, 0 <= dropout < 1.
      dtype: what the layers compute in, one of DTYPES (bfloat16 is faster on GPUs and TPUs);
        weights are float32 in any case.
      middle_attention: whether the middle of the network has self-attention.
      embedding: how a block takes step and class, one of EMBEDDINGS.
    """

    channels: int
    multipliers: tuple[int, ...]
    blocks: int
    attention: tuple[int, ...]
    patch: int
    dropout: float
    dtype: str = "float32"
    middle_attention: bool = True
    embedding: str = "scale_shift"

    def __post_init__(self) -> None:
        checks.one_of("config.diffusion.unet.dtype", self.dtype, DTYPES)
        checks.one_of("config.diffusion.unet.embedding", self.embedding, EMBEDDINGS)
        for name in ("channels", "blocks", "patch"):
            checks.at_least(f"config.diffusion.unet.{name}", getattr(self, name), 1)
        if self.channels % 4 or not self.multipliers or min(self.multipliers) < 1:
            raise UserError(
                f"config.diffusion.unet: channels={self.channels} must be a multiple of 4 and "
                f"multipliers={self.multipliers} whole numbers from 1, at least one"
            )
        for side in self.attention:
            checks.at_least("config.diffusion.unet.attention", side, 1)
        checks.between("config.diffusion.unet.dropout", self.dropout, 0, 1)


def smallest_side(unet: UNetSettings) -> int:
    """The factor (pixels) that an image's side must be a multiple of."""
    return unet.patch * 2 ** (len(unet.multipliers) - 1)


def level_sides(unet: UNetSettings, image_size: int) -> tuple[int, ...]:
    """Side of each level, feature pixels, for images of a side that is a multiple of the factor."""
    return tuple(image_size // unet.patch // 2**level for level in range(len(unet.multipliers)))


def attention_hint(unet: UNetSettings, image_size: int) -> str:
    """Returns " (with --config...)" where `attention` needs other sides at this size, else ""."""
    if not missing_sides(unet, image_size):
        return ""
    return f" (with {_attention_flag(unet, image_size)})"


def _attention_flag(unet: UNetSettings, image_size: int) -> str:
    """The flag that puts self-attention at the levels nearest to the sides that are given."""
    sides = level_sides(unet, image_size)
    # By the ratio of the sides: every level halves the one before.
    nearest = {
        min(sides, key=lambda side: (max(side, wanted) / min(side, wanted), side))
        for wanted in unet.attention
    }
    listed = ",".join(str(side) for side in sorted(nearest))
    return f"--config.diffusion.unet.attention={listed}"


def missing_sides(unet: UNetSettings, image_size: int) -> list[int]:
    """The sides in `attention` that no level has for images of this side (pixels)."""
    sides = level_sides(unet, image_size)
    return [side for side in unet.attention if side not in sides]


def check_attention(unet: UNetSettings, image_size: int) -> None:
    """Refuses self-attention at a side that no level has: it would be left out in silence.

    Args:
      image_size: side of the images, pixels.

    Raises:
      UserError: naming the sides that there are, and the nearest.
    """
    missing = missing_sides(unet, image_size)
    if missing:
        sides = ", ".join(str(side) for side in level_sides(unet, image_size))
        raise UserError(
            f"config.diffusion.unet.attention={unet.attention}: no level has the side {missing[0]} "
            f"for images of {image_size} pixels; the sides are {sides}: set "
            f"{_attention_flag(unet, image_size)}, or --config.diffusion.unet.attention= for none"
        )


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
    """Raises UserError if a batch can't be split over devices and then into `accumulate` parts."""
    parallel.check_batch_size("config.diffusion.train.batch_size", settings.batch_size)
    local = settings.batch_size // parallel.device_count_of_all_hosts()
    if local % settings.accumulate:
        raise UserError(
            f"config.diffusion.train.accumulate={settings.accumulate} can't divide the {local} "
            "images of a device's batch evenly"
        )


@dataclasses.dataclass(frozen=True)
class DiffusionSettings:
    """The generator: config.diffusion.

    Attributes:
      conditioning: one model of all classes or one model per class, one of CONDITIONINGS.
      noise_schedule: one of SCHEDULES.
      zero_terminal_snr: whether the last step is pure noise; not with prediction "eps".
      num_steps: T >= 2.
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

    def __post_init__(self) -> None:
        checks.one_of("config.diffusion.conditioning", self.conditioning, CONDITIONINGS)
        checks.one_of("config.diffusion.noise_schedule", self.noise_schedule, SCHEDULES)
        checks.one_of("config.diffusion.prediction", self.prediction, PREDICTIONS)
        # One step would go from the image to noise at once, and with the linear schedule not even
        # there: its alpha-bar is 0.9.
        checks.at_least("config.diffusion.num_steps", self.num_steps, 2)
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
    def augmentation(self) -> Augmentation:
        """How training images are varied."""
        return Augmentation(self.flips, self.shift, self.warp)


@dataclasses.dataclass(frozen=True)
class SampleSettings:
    """How images are drawn from a trained model: config.generate, but for how many of them.

    Attributes:
      sampler: one of SAMPLERS.
      steps: points of the grid, 1 to T; HEUN_LOG_SNR_STEPS or more of heun's with spacing log_snr.
        The network is evaluated once per step; by heun twice per step but the last, and but any
        from where nothing of the image can be seen.
      spacing: of those points over the schedule, one of SPACINGS.
      eta: ddim's share of fresh noise, 0 (none) to 1 (as much as ddpm's).
      threshold: how the estimate of the clean image is kept in [-1, 1], one of THRESHOLDS.
      guidance: weight of classifier-free guidance, from 1.0, which is none.
      guidance_low, guidance_high: guidance acts where guidance_low <= t / T < guidance_high.
      seed: an image is determined by (seed, class, index), the checkpoint and these settings.
    """

    sampler: str
    steps: int
    spacing: str
    eta: float
    threshold: str
    guidance: float
    guidance_low: float
    guidance_high: float
    seed: int

    def __post_init__(self) -> None:
        checks.one_of("config.generate.sampler", self.sampler, SAMPLERS)
        checks.one_of("config.generate.spacing", self.spacing, SPACINGS)
        checks.one_of("config.generate.threshold", self.threshold, THRESHOLDS)
        for name, least in [("steps", 1), ("seed", 0)]:
            checks.at_least(f"config.generate.{name}", getattr(self, name), least)
        if not self.guidance >= 1:
            raise UserError(
                f"config.generate.guidance={self.guidance} must be at least 1: 1.0 is no guidance, "
                "and 0 would draw images without their class"
            )
        for name in ("eta", "guidance_low", "guidance_high"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UserError(f"config.generate.{name}={value} must be between 0 and 1")
        if self.guidance_low >= self.guidance_high:
            raise UserError(
                f"config.generate.guidance_low={self.guidance_low} must be below "
                f"guidance_high={self.guidance_high}: guidance would act at no step (guidance=1.0 "
                "is none)"
            )
        if self.eta and self.sampler != "ddim":
            raise UserError(
                f"config.generate.eta={self.eta} is ddim's; the sampler is {self.sampler}"
            )
        too_wide = self.spacing == "log_snr" and self.steps < HEUN_LOG_SNR_STEPS
        if self.sampler == "heun" and too_wide:
            raise UserError(
                f"config.generate.steps={self.steps} is too few for sampler=heun with "
                "spacing=log_snr, whose first steps are then too wide: images come out as noise; "
                f"take {HEUN_LOG_SNR_STEPS} steps or more, spacing=time, or sampler=dpm_solver_pp"
            )


NO_FILTER, COPIES, OFF_CLASS = "none", "copies", "off_class"
FILTERS = (COPIES, OFF_CLASS)


@dataclasses.dataclass(frozen=True)
class GenerateSettings(SampleSettings):
    """The synthetic set: config.generate.

    Attributes:
      per_class: images per class, from 1.
      block: images per compiled call, from 1; a block that was broken off is drawn again.
      counts: "" or images by class, "glioma=2000,notumor=500"; classes that are not named follow
        `per_class`.
      filter: NO_FILTER, or some of FILTERS with commas between: a second set is made, filled up to
        the same numbers, of which suspected copies of training images are left out, or images that
        a classifier of `fit` images takes for another class.
      off_class_share: of each class's real images, that would be left out as off class, from 0 to
        below 0.5.
    """

    per_class: int
    block: int
    counts: str = ""
    filter: str = NO_FILTER
    off_class_share: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("per_class", "block"):
            checks.at_least(f"config.generate.{name}", getattr(self, name), 1)
        for name in self.filter.split(","):
            alone = name == self.filter
            checks.one_of("config.generate.filter", name, (NO_FILTER,) * alone + FILTERS)
        if len(self.filters) != len(set(self.filters)):
            raise UserError(f"config.generate.filter={self.filter!r} names a filter twice")
        checks.between("config.generate.off_class_share", self.off_class_share, 0.0, 0.5)

    @property
    def filters(self) -> tuple[str, ...]:
        """What images are left out for: some of FILTERS; none where there is no filter."""
        return () if self.filter == NO_FILTER else tuple(self.filter.split(","))

    def by_class(self, class_names: Sequence[str]) -> tuple[int, ...]:
        """Returns the number of images of each class; raises UserError for an unknown one."""
        named = class_counts.parse("config.generate.counts", self.counts, class_names)
        return tuple(named.get(name, self.per_class) for name in class_names)


@dataclasses.dataclass(frozen=True)
class SweepSettings:
    """What a sweep compares: config.sweep.

    Attributes:
      candidates: "sampler:steps" each, two or more; every other is compared with the first.
      per_class: images per class in every set that is drawn.
      seeds: sets drawn per candidate, two or more.
    """

    candidates: tuple[str, ...]
    per_class: int
    seeds: int

    def __post_init__(self) -> None:
        checks.at_least("config.sweep.per_class", self.per_class, 1)
        checks.at_least("config.sweep.seeds", self.seeds, 2)
        if len(self.candidates) < 2:
            raise UserError("config.sweep.candidates needs two or more of sampler:steps")
        for candidate in self.candidates:
            parse(candidate)


def parse(candidate: str) -> tuple[str, int]:
    """Reads a sweep's "sampler:steps".

    Raises:
      UserError: an unknown sampler, or no number of steps from 1.
    """
    sampler, _, steps = candidate.partition(":")
    checks.one_of("config.sweep.candidates", sampler, SAMPLERS)
    if not steps.isdigit() or int(steps) < 1:
        raise UserError(
            f"config.sweep.candidates: {candidate!r} needs a number of steps, such as {sampler}:20"
        )
    return sampler, int(steps)
