"""The variational bound of a trained model, estimated: bits that it needs for unseen images."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion import bound
from synthmed_jax.diffusion.grid import NOISE_LOG_SNR
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.process import to_model_range
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.diffusion.unet import Params
from synthmed_jax.results.fidelity import BitsPerDimension

IMAGES = 64  # at most, of which bits are estimated: on real sets they differ by 0.3 bits
STRATA = 32  # Equal parts of the log-SNR's fall; per image, one step is drawn from each.


class Terms(NamedTuple):
    """The bound of each image in bits per dimension, f64[N] each.

    Attributes:
      prior: how far x_T is from pure noise.
      steps: the estimated sum over the steps 1..T-1.
      decoder: what the last step has to say of grey levels.
    """

    prior: np.ndarray
    steps: np.ndarray
    decoder: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """The whole bound, f64[N]."""
        return self.prior + self.steps + self.decoder


def draw_steps(
    schedule: Schedule, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the steps at which each image's sum over 1..T-1 is estimated, and their weights.

    A step's term is its fall of the SNR times an error that changes slowly with the log-SNR (Kingma
    et al. 2021, eq. 13). So the range of the log-SNR is cut into STRATA equal parts; within each
    part one step is drawn with the share that it has of the part, and weighs one over its chance:
    the sum of weighted terms is right on average. Below NOISE_LOG_SNR, where terms are next to
    nothing, the scale bends and ends: what is measured is log(SNR + exp(NOISE_LOG_SNR)).

    Where there are no more steps than STRATA, all are taken, each with the weight 1.

    Args:
      count: N, number of images.

    Returns:
      steps i32[N,K] and weights f64[N,K], K = min(STRATA, T - 1).
    """
    reverse_steps = schedule.num_steps - 1
    if reverse_steps <= STRATA:
        steps = np.tile(np.arange(1, reverse_steps + 1, dtype=np.int32), (count, 1))
        return steps, np.ones(steps.shape)
    fall = -np.diff(np.log(schedule.snr + math.exp(NOISE_LOG_SNR)))
    ends = np.cumsum(fall)
    width = ends[-1] / STRATA
    at = (np.arange(STRATA) + rng.uniform(size=(count, STRATA))) * width
    # Rounding may put a draw at the very end, beyond the last step.
    index = np.minimum(np.searchsorted(ends, at, side="right"), reverse_steps - 1)
    return (index + 1).astype(np.int32), width / fall[index]


def terms(model: Model, params: Params, images: ImageSet, batch_size: int, seed: int) -> Terms:
    """Estimates the variational bound (paper eq. 6) of each image, without bias.

    Args:
      images: at least one.
      batch_size: images per call of the network.
      seed: of steps and noise.
    """
    schedule, n = model.schedule, len(images)
    steps, weights = draw_steps(schedule, n, np.random.default_rng(seed))
    strata = steps.shape[1]

    def noise_of(key: jax.Array, i: jax.Array) -> jax.Array:
        return jax.vmap(lambda k: jax.random.normal(jax.random.fold_in(key, k), model.image_shape))(
            i
        )

    def step_terms(
        given: tuple[Params, jax.Array],
        image: jax.Array,
        label: jax.Array,
        t: jax.Array,
        i: jax.Array,
    ) -> jax.Array:
        params, key = given
        denoise = model.denoiser(params, label)
        return bound.step_term(schedule, denoise, to_model_range(image), t, noise_of(key, i))

    def end_terms(
        given: tuple[Params, jax.Array], image: jax.Array, label: jax.Array, i: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        params, key = given
        x_0, denoise = to_model_range(image), model.denoiser(params, label)
        decoder = bound.decoder_term(schedule, denoise, x_0, noise_of(key, i))
        return bound.prior_term(schedule, x_0), decoder

    given = params, jax.random.key(seed)  # arguments: with another seed it is the same program

    index = np.arange(n * (strata + 1), dtype=np.int32)
    sums = np.zeros(n)
    if strata:
        each = parallel.map_examples(step_terms, batch_size)(
            given,
            np.repeat(images.images, strata, axis=0),
            np.repeat(images.labels, strata, axis=0),
            steps.ravel(),
            index[: n * strata],
        )
        sums = (weights * each.reshape(n, strata).astype(np.float64)).sum(axis=1)
    prior, decoder = parallel.map_examples(end_terms, batch_size)(
        given, images.images, images.labels, index[n * strata :]
    )
    return Terms(prior.astype(np.float64), sums, decoder.astype(np.float64))


def bits_per_dimension(
    model: Model, params: Params, images: ImageSet, batch_size: int, seed: int
) -> BitsPerDimension:
    """Estimates the variational bound of images, in bits per dimension.

    Args:
      images: at least one; of more than IMAGES, that many are drawn.
      model, params, batch_size: as of `terms`.
      seed: of the draw of images, of steps and of noise.
    """
    chosen = np.random.default_rng(seed).permutation(len(images))[:IMAGES]
    found, n = terms(model, params, images.subset(chosen), batch_size, seed), len(chosen)
    error = float(np.std(found.total, ddof=1) / math.sqrt(n)) if n > 1 else None
    return BitsPerDimension(
        total=float(found.total.mean()),
        prior=float(found.prior.mean()),
        steps=float(found.steps.mean()),
        decoder=float(found.decoder.mean()),
        standard_error=error,
        num_images=n,
    )
