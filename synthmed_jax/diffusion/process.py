"""The diffusion process as pure functions: noising, its posterior and the training loss.

Letters follow the paper (eq. 1-7): x_0 clean image, x_t noisy image, eps the noise, beta and
alpha-bar (abar) from a `Schedule`. Arrays are f32[B,H,W,C] with images in [-1, 1]; t: i32[B],
0 <= t < T, where t = 0 is ONE noising step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import checks
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.errors import UserError


class Rates(NamedTuple):
    """The parts of x_t = signal x_0 + noise eps at some steps (paper eq. 3).

    Attributes:
      signal: sqrt(abar_t), f32[B,1,1,1].
      noise: sqrt(1 - abar_t), f32[B,1,1,1].
    """

    signal: jax.Array
    noise: jax.Array


class Target(NamedTuple):
    """What a network is trained to predict, and how x_0 follows from it.

    Attributes:
      from_pair: (x_0, eps, rates) -> the network's target.
      to_x_0: (the network's output, x_t, rates) -> x_0.
      per_x_0: SNR f64[T] -> squared error of the target per squared error of x_0, f64[T].
    """

    from_pair: Callable[[jax.Array, jax.Array, Rates], jax.Array]
    to_x_0: Callable[[jax.Array, jax.Array, Rates], jax.Array]
    per_x_0: Callable[[np.ndarray], np.ndarray]


# "eps" is the paper's choice (Ho et al. 2020, eq. 14); "v" = sqrt(abar) eps - sqrt(1 - abar) x_0
# (Salimans & Ho 2022, appendix D) is as well conditioned at both ends of the schedule; "x0" is the
# clean image itself.
PREDICTIONS: dict[str, Target] = {
    "eps": Target(
        from_pair=lambda x_0, eps, rates: eps,
        to_x_0=lambda out, x_t, rates: (x_t - rates.noise * out) / rates.signal,
        per_x_0=lambda snr: snr,
    ),
    "x0": Target(
        from_pair=lambda x_0, eps, rates: x_0,
        to_x_0=lambda out, x_t, rates: out,
        per_x_0=np.ones_like,
    ),
    "v": Target(
        from_pair=lambda x_0, eps, rates: rates.signal * eps - rates.noise * x_0,
        to_x_0=lambda out, x_t, rates: rates.signal * x_t - rates.noise * out,
        per_x_0=lambda snr: snr + 1,
    ),
}


def check_prediction(schedule: Schedule, prediction: str) -> None:
    """Refuses a prediction from which x_0 does not follow at every step of the schedule.

    Raises:
      UserError: it is unknown, or eps where some alpha-bar is 0 (eq. 3 solved for x_0 divides by
        its root).
    """
    checks.one_of("prediction", prediction, PREDICTIONS)
    if prediction == "eps" and not np.all(schedule.alpha_bar):
        raise UserError(
            "prediction 'eps' can't go with a zero terminal SNR: at pure noise eps says nothing "
            "about the image; use 'v' or 'x0'"
        )


# How the losses of the steps are weighted: "simple" alike (the paper's eq. 7), "min_snr" so that
# nearly clean steps, which are easy, do not dominate the gradient.
WEIGHTINGS = ("simple", "min_snr")
MIN_SNR_GAMMA = 5.0  # Hang et al. 2023, the value of their experiments.
# How training draws t: "uniform", each by itself, or "stratified", spread evenly over the batch.
TIMESTEPS = ("uniform", "stratified")


def to_model_range(images: jax.Array) -> jax.Array:
    """u8 grey levels -> f32 in [-1, 1]."""
    return images.astype(jnp.float32) / 127.5 - 1


def at(values: np.ndarray, t: jax.Array) -> jax.Array:
    """Looks values f64[T] up at steps i32[B]: f32[B,1,1,1], to be multiplied with images."""
    return jnp.asarray(values, jnp.float32)[t][:, None, None, None]


def rates_at(schedule: Schedule, t: jax.Array) -> Rates:
    """What x_t consists of at steps i32[B]; both roots are taken in float64."""
    return Rates(at(schedule.signal, t), at(schedule.noise, t))


def q_sample(schedule: Schedule, x_0: jax.Array, t: jax.Array, eps: jax.Array) -> jax.Array:
    """Noises x_0 to step t (paper eq. 3): x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps.

    Args:
      x_0: f32[B,H,W,C], clean images in [-1, 1].
      t: i32[B], 0 <= t < T.
      eps: f32[B,H,W,C], unit normal.
    """
    rates = rates_at(schedule, t)
    return rates.signal * x_0 + rates.noise * eps


def q_posterior(
    schedule: Schedule, x_0: jax.Array, x_t: jax.Array, t: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of q(x_{t-1} | x_t, x_0) (Ho et al. 2020, eq. 6-7; paper eq. 4-6).

    At t = 0 the mean is x_0 itself, with no weight on x_t, and the variance is 0.

    Returns:
      mean f32[B,H,W,C] and variance f32[B,1,1,1] (beta-tilde).
    """
    beta, alpha_bar, prev = schedule.beta, schedule.alpha_bar, schedule.alpha_bar_prev
    weight_x_0 = np.sqrt(prev) * beta / (1 - alpha_bar)
    weight_x_t = np.sqrt(1 - beta) * (1 - prev) / (1 - alpha_bar)
    mean = at(weight_x_0, t) * x_0 + at(weight_x_t, t) * x_t
    return mean, at(beta * (1 - prev) / (1 - alpha_bar), t)


def predict_x0(
    schedule: Schedule, output: jax.Array, x_t: jax.Array, t: jax.Array, prediction: str = "eps"
) -> jax.Array:
    """Turns a network's output at step t into its estimate of x_0 (eq. 3 solved for x_0).

    Args:
      output: f32[B,H,W,C], the network's output.
      x_t: f32[B,H,W,C].
      t: i32[B].
      prediction: one of PREDICTIONS, what the output stands for.

    Raises:
      UserError: see `check_prediction`.
    """
    check_prediction(schedule, prediction)
    return PREDICTIONS[prediction].to_x_0(output, x_t, rates_at(schedule, t))


def l_simple(
    schedule: Schedule,
    model: Callable[[jax.Array, jax.Array], jax.Array],
    x_0: jax.Array,
    t: jax.Array,
    eps: jax.Array,
    prediction: str = "eps",
) -> jax.Array:
    """L_simple (paper eq. 7; Ho et al. 2020, eq. 14) of each example.

    Args:
      model: (x_t f32[B,H,W,C], t i32[B]) -> output f32[B,H,W,C].
      x_0: f32[B,H,W,C] in [-1, 1].
      t: i32[B].
      eps: f32[B,H,W,C], unit normal.
      prediction: one of PREDICTIONS, what the model predicts.

    Returns:
      f32[B], mean squared error over the pixels of each example.
    """
    target = PREDICTIONS[prediction].from_pair(x_0, eps, rates_at(schedule, t))
    output = model(q_sample(schedule, x_0, t, eps), t)
    return jnp.mean(jnp.square(output - target), axis=(1, 2, 3))


def loss_weights(schedule: Schedule, weighting: str, prediction: str) -> np.ndarray:
    """Weight of each step's `l_simple`, f64[T].

    Under "min_snr" (Hang et al. 2023, eq. 8 and appendix) the squared error of x_0 weighs
    min(SNR, 5), SNR = alpha-bar / (1 - alpha-bar), whatever the network predicts.

    Args:
      weighting: one of WEIGHTINGS.
      prediction: one of PREDICTIONS.

    Raises:
      UserError: see `check_prediction`.
    """
    if weighting == "simple":
        return np.ones(schedule.num_steps)
    check_prediction(schedule, prediction)
    snr = schedule.snr
    return np.minimum(snr, MIN_SNR_GAMMA) / PREDICTIONS[prediction].per_x_0(snr)


def draw_uniform_steps(keys: jax.Array, num_steps: int) -> jax.Array:
    """Draws each example's t from its key: key[B] -> i32[B], 0 <= t < T."""
    return jax.vmap(lambda key: jax.random.randint(key, (), 0, num_steps))(keys)


def draw_stratified_steps(
    key: jax.Array, indices: jax.Array, batch_size: int, num_steps: int
) -> jax.Array:
    """t spread evenly over the global batch, so that the loss varies less (Kingma et al. 2021).

    Each image's t is still uniform over 0..T-1, because images come in random order.

    Args:
      key: one for the whole batch.
      indices: i32[b], index of each of this device's examples in the global batch.
      batch_size: B, images in the global batch.
      num_steps: T.

    Returns:
      i32[b], 0 <= t < T.
    """
    u = (indices + jax.random.uniform(key)) / batch_size
    return jnp.minimum((u * num_steps).astype(jnp.int32), num_steps - 1)
