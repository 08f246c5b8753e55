"""The variational bound of a trained model, estimated: bits that it needs for unseen images."""

from __future__ import annotations

import math

import jax
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion import bound
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.process import to_model_range
from synthmed_jax.diffusion.unet import Params
from synthmed_jax.results.fidelity import BitsPerDimension

STRATA = 32  # Equal parts of 1..T-1; per image, one step is drawn from each.


def bits_per_dimension(
    model: Model, params: Params, images: ImageSet, batch_size: int, seed: int
) -> BitsPerDimension:
    """Estimates the variational bound (paper eq. 6) of images, in bits per dimension.

    The sum over the steps 1..T-1 is estimated without bias: one step from each of STRATA equal
    parts, its term times the number of steps in the part. Where T - 1 <= STRATA all steps are
    taken, and the sum is exact but for the noise.

    Args:
      images: at least one.
      batch_size: images per call of the network.
      seed: of steps and noise.
    """
    schedule, n = model.schedule, len(images)
    rng = np.random.default_rng(seed)
    reverse_steps = schedule.num_steps - 1
    strata = min(STRATA, reverse_steps)
    edges = 1 + np.arange(strata + 1) * reverse_steps / max(strata, 1)
    steps = np.floor(rng.uniform(edges[:-1], edges[1:], (n, strata))).astype(np.int32)

    def noise_of(i: jax.Array) -> jax.Array:
        key = jax.random.key(seed)
        return jax.vmap(lambda k: jax.random.normal(jax.random.fold_in(key, k), model.image_shape))(
            i
        )

    def step_terms(
        params: Params, image: jax.Array, label: jax.Array, t: jax.Array, i: jax.Array
    ) -> jax.Array:
        denoise = model.denoiser(params, label)
        return bound.step_term(schedule, denoise, to_model_range(image), t, noise_of(i))

    def end_terms(
        params: Params, image: jax.Array, label: jax.Array, i: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        x_0, denoise = to_model_range(image), model.denoiser(params, label)
        decoder = bound.decoder_term(schedule, denoise, x_0, noise_of(i))
        return bound.prior_term(schedule, x_0), decoder

    index = np.arange(n * (strata + 1), dtype=np.int32)
    sums = np.zeros(n)
    if strata:
        terms = parallel.map_examples(step_terms, batch_size)(
            params,
            np.repeat(images.images, strata, axis=0),
            np.repeat(images.labels, strata, axis=0),
            steps.ravel(),
            index[: n * strata],
        )
        steps_per_part = reverse_steps / strata
        sums = steps_per_part * terms.reshape(n, strata).astype(np.float64).sum(axis=1)
    prior, decoder = parallel.map_examples(end_terms, batch_size)(
        params, images.images, images.labels, index[n * strata :]
    )
    total = prior + sums + decoder
    return BitsPerDimension(
        total=float(total.mean()),
        prior=float(prior.mean()),
        steps=float(sums.mean()),
        decoder=float(decoder.mean()),
        standard_error=float(np.std(total, ddof=1) / math.sqrt(n)) if n > 1 else None,
        num_images=n,
    )
