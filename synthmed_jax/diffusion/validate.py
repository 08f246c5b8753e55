"""What is measured on `val` while a diffusion model trains: loss by noise level, and nearness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.process import l_simple, to_model_range
from synthmed_jax.diffusion.sampling import Draw
from synthmed_jax.diffusion.unet import apply

NOISE_LEVELS = 8  # Every val image is scored at this many steps, spread evenly over 0..T-1.
NEARNESS_SAMPLES = 48  # Drawn at each check, the classes in turn.
NEARNESS_STEPS = 10  # Of DPM-Solver++, for those.

# Images u8[N,S,S,C] -> their median distance to the nearest `fit` image over that of `val` images.
Nearness = Callable[[np.ndarray], float | None]


def level_steps(num_steps: int) -> np.ndarray:
    """The steps at which `val` is scored, i32[NOISE_LEVELS]."""
    return ((np.arange(NOISE_LEVELS) + 0.5) * num_steps / NOISE_LEVELS).astype(np.int32)


def make_val_loss(
    model: Model, val: ImageSet, batch_size: int, seed: int
) -> Callable[[Any], np.ndarray]:
    """Builds params -> mean L_simple over `val` at each level, f64[NOISE_LEVELS].

    The steps and the noise are always the same, so that two weights are compared in pairs.

    Args:
      val: at least one image.
      batch_size: images a call.
      seed: of the noise.
    """

    def loss(params: Any, image: jax.Array, label: jax.Array, t: jax.Array, i: jax.Array) -> Any:
        key = jax.random.key(seed)
        eps = jax.vmap(lambda k: jax.random.normal(jax.random.fold_in(key, k), image.shape[1:]))(i)

        def network(x_t: jax.Array, t: jax.Array) -> jax.Array:
            return apply(model.unet, params, x_t, t, label)

        return l_simple(model.schedule, network, to_model_range(image), t, eps, model.prediction)

    image = np.repeat(val.images, NOISE_LEVELS, axis=0)
    label = np.repeat(val.labels, NOISE_LEVELS, axis=0)
    t = np.tile(level_steps(model.schedule.num_steps), len(val))
    index = np.arange(len(t), dtype=np.int32)
    mapped = parallel.map_examples(loss, batch_size)

    def val_loss(params: Any) -> np.ndarray:
        losses = mapped(params, image, label, t, index).astype(np.float64)
        return losses.reshape(len(val), NOISE_LEVELS).mean(axis=0)

    return val_loss


def measure_nearness(draw: Draw, nearness: Nearness, params: Any, num_classes: int) -> float | None:
    """The nearness of NEARNESS_SAMPLES fresh samples of some weights, always of the same noise."""
    index = np.arange(NEARNESS_SAMPLES, dtype=np.int32)
    return nearness(draw(params, index % num_classes, index))
