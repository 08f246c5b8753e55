"""How well a model takes noise away from single images: lower for images that it has learned."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion.conditioning import Portion
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.process import q_sample, to_model_range
from synthmed_jax.diffusion.unet import Params


def steps_at(levels: Sequence[float], num_steps: int) -> np.ndarray:
    """The steps i32[L] at shares of T, each from 0 to below 1; 0 <= step < T."""
    steps = np.rint(np.asarray(levels) * num_steps).astype(np.int32)
    return np.minimum(steps, num_steps - 1)


def losses_of_generators(
    model: Model,
    generators: Sequence[tuple[Portion, Params]],
    images: ImageSet,
    numbers: np.ndarray,
    steps: np.ndarray,
    draws: int,
    batch_size: int,
    seed: int,
) -> np.ndarray:
    """Losses f64[N,L] of `denoising_losses`, of each image by the generator of its class.

    Args:
      generators: what each has learned, and its weights; together they know all classes.
      images: N images with the labels of the data set.
    """
    losses = np.zeros((len(images), len(steps)))
    for portion, params in generators:
        chosen = np.flatnonzero(np.isin(images.labels, list(portion.labels)))
        if not len(chosen):
            continue
        some = images.subset(chosen)
        labels = np.array([portion.labels[int(label)] for label in some.labels], np.int32)
        of_portion = ImageSet(some.images, labels, some.files, portion.fit.class_names)
        losses[chosen] = denoising_losses(
            model, params, of_portion, numbers[chosen], steps, draws, batch_size, seed
        )
    return losses


def denoising_losses(
    model: Model,
    params: Params,
    images: ImageSet,
    numbers: np.ndarray,
    steps: np.ndarray,
    draws: int,
    batch_size: int,
    seed: int,
) -> np.ndarray:
    """Mean squared error of the estimate of x_0, over pixels and draws of noise: f64[N,L].

    It is the error of x_0 whatever the network predicts; at one step, the error of the noise is
    that times a constant.

    Args:
      images: N >= 1, with the model's labels.
      numbers: i32[N], which noise each image gets: equal numbers, equal noise.
      steps: i32[L], at which noise is taken away.
      draws: of noise per image and step.
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
        (params, key), x_0 = given, to_model_range(image)
        # A key per image, level and draw.
        eps = jax.vmap(lambda k: jax.random.normal(_fold(key, k), x_0.shape[1:]))(i)
        estimate = model.denoiser(params, label)(q_sample(model.schedule, x_0, t, eps), t)
        return jnp.mean(jnp.square(estimate - x_0), axis=(1, 2, 3))

    mapped = parallel.map_examples(loss, batch_size)
    key = jax.random.key(seed)  # an argument: with another seed it is the same program
    found = np.zeros((len(images), len(steps)))
    for level, step in enumerate(steps):
        t = np.full(len(images), step, np.int32)
        for draw in range(draws):
            drawn = np.full(len(images), level * draws + draw)
            i = np.stack([numbers, drawn], axis=1).astype(np.int32)
            found[:, level] += mapped((params, key), images.images, images.labels, t, i) / draws
    return found


def _fold(key: jax.Array, numbers: jax.Array) -> jax.Array:
    return jax.random.fold_in(jax.random.fold_in(key, numbers[0]), numbers[1])
