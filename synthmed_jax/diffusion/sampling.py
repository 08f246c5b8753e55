"""From weights to images: the settings of sampling and one compiled function that draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import checks, parallel
from synthmed_jax.diffusion import denoisers, samplers
from synthmed_jax.diffusion.model import Model
from synthmed_jax.errors import UserError

CHUNK_ROWS = 10  # evaluations a compiled call: few enough for the progress bar to move

# (params, label i32[N], index i32[N]) -> u8[N,H,W,C]
Draw = Callable[[Any, np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class SampleSettings:
    """How images are drawn from a trained model.

    Attributes:
      sampler: one of SAMPLERS.
      steps: points of the grid, 1..T; evaluations of the network too, but for heun: 2 steps - 1.
      spacing: one of SPACINGS.
      eta: ddim's share of fresh noise, 0 (none) to 1 (ddpm's).
      threshold: how the estimate is kept in [-1, 1], one of THRESHOLDS.
      guidance: weight of classifier-free guidance; 1.0: none.
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
        checks.one_of("config.generate.sampler", self.sampler, samplers.SAMPLERS)
        checks.one_of("config.generate.spacing", self.spacing, samplers.SPACINGS)
        checks.one_of("config.generate.threshold", self.threshold, denoisers.THRESHOLDS)
        for name, least in [("steps", 1), ("seed", 0), ("guidance", 0)]:
            checks.at_least(f"config.generate.{name}", getattr(self, name), least)
        for name in ("eta", "guidance_low", "guidance_high"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UserError(f"config.generate.{name}={value} must be between 0 and 1")
        if self.eta and self.sampler != "ddim":
            raise UserError(
                f"config.generate.eta={self.eta} is ddim's; the sampler is {self.sampler}"
            )


def make_table(settings: SampleSettings, model: Model) -> samplers.Table:
    """The sampler's table of coefficients on the model's schedule."""
    grid = samplers.make_grid(model.schedule, settings.steps, settings.spacing)
    options = {"eta": settings.eta} if settings.sampler == "ddim" else {}
    return samplers.SAMPLERS[settings.sampler](grid, **options)


def make_draw(settings: SampleSettings, model: Model, block: int) -> Draw:
    """Compiles (on first use) a function that draws images from any weights.

    Args:
      block: images a call; another number is padded or cut into such blocks.
    """
    table = make_table(settings, model)
    root = jax.random.key(settings.seed)

    def keys_of(label: jax.Array, index: jax.Array) -> jax.Array:
        return jax.vmap(lambda k, i: jax.random.fold_in(jax.random.fold_in(root, k), i))(
            label, index
        )

    def denoiser(params: Any, label: jax.Array) -> samplers.DenoiseFn:
        denoise = model.denoiser(params, label)
        if settings.guidance != 1:
            nobody = jnp.full_like(label, model.unet.no_class)
            interval = (settings.guidance_low, settings.guidance_high)
            denoise = denoisers.guided(
                denoise,
                model.denoiser(params, nobody),
                model.schedule,
                settings.guidance,
                interval,
            )
        return denoisers.thresholded(denoise, settings.threshold)

    def start(_: None, label: jax.Array, index: jax.Array) -> samplers.Walk:
        noise = samplers.initial_noise(keys_of(label, index), model.image_shape)
        return samplers.start(noise)

    def advance(
        state: tuple[Any, jax.Array],
        label: jax.Array,
        index: jax.Array,
        x: jax.Array,
        x_before: jax.Array,
        x_0_before: jax.Array,
    ) -> samplers.Walk:
        params, first = state
        walk = samplers.Walk(x, x_before, x_0_before)
        rows = min(CHUNK_ROWS, len(table.t))
        return samplers.run(
            table, denoiser(params, label), keys_of(label, index), walk, first, rows
        )

    start_all = parallel.map_examples(start, block)
    advance_all = parallel.map_examples(advance, block)

    def draw(params: Any, label: np.ndarray, index: np.ndarray) -> np.ndarray:
        walk = start_all(None, label, index)
        for first in range(0, len(table.t), CHUNK_ROWS):
            walk = advance_all((params, np.int32(first)), label, index, *walk)
        return to_grey_levels(walk.x)

    return draw


def to_grey_levels(x: np.ndarray) -> np.ndarray:
    """f32 in [-1, 1] -> u8, rounded (never truncated) and clipped."""
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)
