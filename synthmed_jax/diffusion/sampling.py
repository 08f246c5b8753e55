"""From weights to images: the settings of sampling, and the compiled sampler."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import checks, parallel
from synthmed_jax.diffusion import denoisers, samplers
from synthmed_jax.diffusion.model import Model
from synthmed_jax.errors import UserError

CHUNK_ROWS = 10  # evaluations a compiled call: few enough for the progress bar to move


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


class Draw:
    """Draws images from any weights; compiled on first use, or by `compile`."""

    def __init__(self, settings: SampleSettings, model: Model, block: int):
        """block: images a call; another number is padded or cut into such blocks."""
        self._settings, self._model = settings, model
        self._table = make_table(settings, model)
        self._root = jax.random.key(settings.seed)
        self._start = parallel.map_examples(self._begin, block)
        self._advance = parallel.map_examples(self._go_on, block)
        self.block = block

    @property
    def evaluations(self) -> int:
        """Rows of the sampler's table: evaluations of the network (twice as many if guided)."""
        return len(self._table.t)

    @property
    def chunk_rows(self) -> int:
        """Rows that one compiled call takes."""
        return min(CHUNK_ROWS, self.evaluations)

    def __call__(self, params: Any, label: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Draws the images of (label i32[N], index i32[N]): u8[N,H,W,C]."""
        walk = self.start(label, index)
        for first in range(0, self.evaluations, self.chunk_rows):
            walk = self.advance(params, label, index, walk, first)
        return to_grey_levels(np.asarray(walk.x))

    def compile(self, params: Any) -> None:
        """Compiles all that a call needs: a block is begun, and taken a chunk further."""
        label = index = np.zeros(self.block, np.int32)
        self.advance(params, label, index, self.start(label, index), 0)

    def start(self, label: np.ndarray, index: np.ndarray) -> samplers.Walk:
        """Pure noise."""
        return cast(samplers.Walk, self._start(None, label, index))

    def advance(
        self,
        params: Any,
        label: np.ndarray,
        index: np.ndarray,
        walk: samplers.Walk,
        first: int,
    ) -> samplers.Walk:
        """The next `chunk_rows` rows of the table, from row `first`."""
        return cast(samplers.Walk, self._advance((params, np.int32(first)), label, index, *walk))

    def _keys(self, label: jax.Array, index: jax.Array) -> jax.Array:
        def key_of(k: jax.Array, i: jax.Array) -> jax.Array:
            return jax.random.fold_in(jax.random.fold_in(self._root, k), i)

        return jax.vmap(key_of)(label, index)

    def _begin(self, _: None, label: jax.Array, index: jax.Array) -> samplers.Walk:
        noise = samplers.initial_noise(self._keys(label, index), self._model.image_shape)
        return samplers.start(noise)

    def _go_on(
        self,
        state: tuple[Any, jax.Array],
        label: jax.Array,
        index: jax.Array,
        x: jax.Array,
        x_before: jax.Array,
        x_0_before: jax.Array,
    ) -> samplers.Walk:
        params, first = state
        walk = samplers.Walk(x, x_before, x_0_before)
        denoise, keys = self._denoiser(params, label), self._keys(label, index)
        return samplers.run(self._table, denoise, keys, walk, first, self.chunk_rows)

    def _denoiser(self, params: Any, label: jax.Array) -> samplers.DenoiseFn:
        settings, model = self._settings, self._model
        denoise = model.denoiser(params, label)
        if settings.guidance != 1:
            none = jnp.full_like(label, model.unet.no_class)
            twice = model.denoiser(params, jnp.concatenate([label, none]))

            # One evaluation of twice the images is half as much to compile as two.
            def both(x_t: jax.Array, t: jax.Array) -> tuple[jax.Array, jax.Array]:
                x_0 = twice(jnp.concatenate([x_t, x_t]), jnp.concatenate([t, t]))
                return x_0[: len(t)], x_0[len(t) :]

            denoise = denoisers.guided(
                both,
                model.schedule,
                settings.guidance,
                (settings.guidance_low, settings.guidance_high),
            )
        return denoisers.thresholded(denoise, settings.threshold)


def to_grey_levels(x: np.ndarray) -> np.ndarray:
    """f32 in [-1, 1] -> u8, rounded (never truncated) and clipped."""
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)
