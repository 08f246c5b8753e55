"""From weights to images: the compiled sampler."""

from __future__ import annotations

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.diffusion import denoisers, samplers
from synthmed_jax.diffusion.generate_settings import SampleSettings
from synthmed_jax.diffusion.grid import make_grid
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.unet import Params

# Rows of the sampler's table per compiled call: few enough that the progress bar moves.
FEWEST_ROWS, MOST_ROWS = 8, 16


def make_table(settings: SampleSettings, model: Model) -> samplers.Table:
    """The sampler's table of coefficients on the model's schedule."""
    grid = make_grid(model.schedule, settings.steps, settings.spacing)
    options = {"eta": settings.eta} if settings.sampler == "ddim" else {}
    return samplers.SAMPLERS[settings.sampler](grid, **options)


def rows_per_call(total: int) -> int:
    """Returns how many of a table's rows one compiled call takes.

    What the last call has beyond the table's end is computed in vain: of 15 rows, two calls of ten
    each would be a third too many.
    """
    choices = range(min(total, FEWEST_ROWS), min(total, MOST_ROWS) + 1)
    return min(choices, key=lambda rows: -total % rows)


class Draw:
    """Draws images from any weights of one model; compiled on first use, or by `compile`."""

    def __init__(self, settings: SampleSettings, model: Model, block: int):
        """Prepares the sampler.

        Args:
          block: images per compiled call; any other number of them is drawn in blocks of this size,
            the last one padded.
        """
        self._settings, self._model = settings, model
        self._table = make_table(settings, model)
        # Handed over with every call: programs of other seeds are the same, and compiled once.
        self._root = jax.random.key(settings.seed)
        self._start = parallel.map_examples(self._begin, block)
        self._advance = parallel.map_examples(self._go_on, block)
        self.block = block

    @property
    def evaluations(self) -> int:
        """Evaluations of the network per image: rows of the table. Guidance doubles their cost."""
        return len(self._table.t)

    @property
    def chunk_rows(self) -> int:
        """Rows of the table per compiled call."""
        return rows_per_call(self.evaluations)

    def __call__(self, params: Params, label: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Draws images.

        Args:
          params: the network's weights.
          label: i32[N], each image's class.
          index: i32[N], each image's number within its class, which determines its noise.

        Returns:
          u8[N,H,W,C].
        """
        walk = self.start(label, index)
        for first in range(0, self.evaluations, self.chunk_rows):
            walk = self.advance(params, label, index, walk, first)
        return to_grey_levels(np.asarray(walk.x))

    def compile(self, params: Params) -> None:
        """Compiles all that a call needs, by starting one block and taking its first chunk."""
        label = index = np.zeros(self.block, np.int32)
        self.advance(params, label, index, self.start(label, index), 0)

    def start(self, label: np.ndarray, index: np.ndarray) -> samplers.Walk:
        """Returns the walks of images (label i32[N], index i32[N]) at their start: pure noise."""
        return cast(samplers.Walk, self._start(self._root, label, index))

    def advance(
        self,
        params: Params,
        label: np.ndarray,
        index: np.ndarray,
        walk: samplers.Walk,
        first: int,
    ) -> samplers.Walk:
        """Takes the walks `chunk_rows` rows of the table further, from row `first`."""
        state = (params, np.int32(first), self._root)
        return cast(samplers.Walk, self._advance(state, label, index, *walk))

    def _begin(self, root: jax.Array, label: jax.Array, index: jax.Array) -> samplers.Walk:
        noise = samplers.initial_noise(_keys(root, label, index), self._model.image_shape)
        return samplers.start(noise)

    def _go_on(
        self,
        state: tuple[Params, jax.Array, jax.Array],
        label: jax.Array,
        index: jax.Array,
        x: jax.Array,
        x_before: jax.Array,
        x_0_before: jax.Array,
    ) -> samplers.Walk:
        params, first, root = state
        walk = samplers.Walk(x, x_before, x_0_before)
        denoise, keys = self._denoiser(params, label), _keys(root, label, index)
        return samplers.run(self._table, denoise, keys, walk, first, self.chunk_rows)

    def _denoiser(self, params: Params, label: jax.Array) -> samplers.DenoiseFn:
        settings, model = self._settings, self._model
        denoise = model.denoiser(params, label)
        if settings.guidance != 1:
            none = jnp.full_like(label, model.unet.no_class)
            twice = model.denoiser(params, jnp.concatenate([label, none]))

            # With and without a class in one evaluation of twice as many images: the network is
            # compiled once instead of twice.
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


def _keys(root: jax.Array, label: jax.Array, index: jax.Array) -> jax.Array:
    """Each image's own, from its class and its number."""

    def key_of(k: jax.Array, i: jax.Array) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(root, k), i)

    return jax.vmap(key_of)(label, index)


def to_grey_levels(x: np.ndarray) -> np.ndarray:
    """f32 in [-1, 1] -> u8, rounded (never truncated) and clipped."""
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)
