"""The config blocks `generate` and `sweep` as frozen dataclasses, checked: how images are drawn.

Whether `generate.steps` fit into `diffusion.num_steps` is checked where all blocks are known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from synthmed_jax import checks
from synthmed_jax.data import class_counts
from synthmed_jax.diffusion.denoisers import THRESHOLDS
from synthmed_jax.diffusion.grid import SPACINGS
from synthmed_jax.diffusion.samplers import SAMPLERS
from synthmed_jax.errors import UserError

# With fewer steps even in log-SNR, `heun` draws images of up to nine times the right variance, with
# a denoiser that makes no mistake: its steps are too wide for a mean of two slopes.
HEUN_LOG_SNR_STEPS = 8


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
      enough_for_arms: whether more are drawn where an arm of config.classifier.arms takes more.
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
    enough_for_arms: bool = False

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

    def by_class(self, class_names: Sequence[str], taken: int = 0) -> tuple[int, ...]:
        """Returns the number of images of each class.

        Args:
          taken: most images of a class that an arm takes; heeded with `enough_for_arms`.

        Raises:
          UserError: `counts` names an unknown class.
        """
        named = class_counts.parse("config.generate.counts", self.counts, class_names)
        others = max(self.per_class, taken) if self.enough_for_arms else self.per_class
        return tuple(named.get(name, others) for name in class_names)


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
