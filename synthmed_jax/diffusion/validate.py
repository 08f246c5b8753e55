"""What is measured on `val` while a diffusion model trains: loss per noise level, and nearness."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.process import l_simple, to_model_range
from synthmed_jax.diffusion.sampling import Draw
from synthmed_jax.diffusion.unet import Params, apply

NOISE_LEVELS = 8  # Steps, spread evenly over 0..T-1, at which every `val` image is scored.
NEARNESS_SAMPLES = 48  # Images drawn per validation, the classes in turn.
NEARNESS_STEPS = 10  # Steps of DPM-Solver++ that draw them.

# Images u8[N,S,S,C] -> their median distance to the nearest `fit` image over that of `val` images;
# None where it can't be measured.
Nearness = Callable[[np.ndarray], float | None]


def level_steps(num_steps: int) -> np.ndarray:
    """The steps at which `val` is scored, i32[NOISE_LEVELS]."""
    return ((np.arange(NOISE_LEVELS) + 0.5) * num_steps / NOISE_LEVELS).astype(np.int32)


def make_val_loss(
    model: Model, val: ImageSet, batch_size: int, seed: int
) -> Callable[[Params], np.ndarray]:
    """Builds params -> mean L_simple over `val` at each noise level, f64[NOISE_LEVELS].

    Every call takes the same steps and the same noise, so that a difference between two losses is
    one between the weights.

    Args:
      val: at least one image.
      batch_size: images per call of the network.
      seed: of the noise.
    """

    def loss(
        given: tuple[Params, jax.Array],
        image: jax.Array,
        label: jax.Array,
        t: jax.Array,
        i: jax.Array,
    ) -> jax.Array:
        params, key = given
        eps = jax.vmap(lambda k: jax.random.normal(jax.random.fold_in(key, k), image.shape[1:]))(i)

        def network(x_t: jax.Array, t: jax.Array) -> jax.Array:
            return apply(model.unet, params, x_t, t, label)

        return l_simple(model.schedule, network, to_model_range(image), t, eps, model.prediction)

    image = np.repeat(val.images, NOISE_LEVELS, axis=0)
    label = np.repeat(val.labels, NOISE_LEVELS, axis=0)
    t = np.tile(level_steps(model.schedule.num_steps), len(val))
    index = np.arange(len(t), dtype=np.int32)
    mapped = parallel.map_examples(loss, batch_size)
    key = jax.random.key(seed)  # an argument: with another seed it is the same program

    def val_loss(params: Params) -> np.ndarray:
        losses = mapped((params, key), image, label, t, index).astype(np.float64)
        return losses.reshape(len(val), NOISE_LEVELS).mean(axis=0)

    return val_loss


def measure_nearness(
    draw: Draw, nearness: Nearness, params: Params, num_classes: int
) -> float | None:
    """Nearness of NEARNESS_SAMPLES images drawn with some weights, from the same noise each time.

    Args:
      draw: the compiled sampler.
      nearness: see `Nearness`.
      num_classes: of the model; the images' classes are 0..num_classes-1 in turn.
    """
    index = np.arange(NEARNESS_SAMPLES, dtype=np.int32)
    return nearness(draw(params, index % num_classes, index))
