"""Samplers: tables of float64 coefficients over a grid of alpha-bar, and one loop that runs them.

Every sampler here takes, after each evaluation of the network, a linear step

    x_next = a x + b x_0 + c x_before + d x_0_before + s z,

with x_0 the estimate at x, x_before and x_0_before those of the evaluation before, and z unit
normal. A sampler is the rule for a, b, c, d and s; it knows no network: the loop is given a bare
`denoise_fn(x_t, t) -> x_0`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from synthmed_jax.diffusion.grid import NOISE_LOG_SNR, Grid
from synthmed_jax.diffusion.grid import make_grid as make_grid  # what every sampler is given

# (x_t f32[B,H,W,C], t [B]) -> estimate of x_0 f32[B,H,W,C].
DenoiseFn = Callable[[jax.Array, jax.Array], jax.Array]


class Table(NamedTuple):
    """A sampler on a grid: one row per evaluation of the network, E of them.

    Attributes:
      t: [E], what `denoise_fn` is given.
      weights: f64[E,5], a, b, c, d and s of each row.
    """

    t: np.ndarray
    weights: np.ndarray


class Walk(NamedTuple):
    """Where images are on their way from noise, all f32[B,H,W,C].

    Attributes:
      x: the noisy images.
      x_before, x_0_before: noisy images and estimates at the evaluation before; 0 at the start,
        where no sampler reads them.
    """

    x: jax.Array
    x_before: jax.Array
    x_0_before: jax.Array


def _gaussian_step(grid: Grid, variance: np.ndarray, eta: float) -> Table:
    """Steps of DDIM's form: fresh noise replaces some of the noise in x, the rest stays.

    Args:
      variance: f64[S], of the fresh noise at eta 1.
      eta: 0 (no fresh noise) to 1.
    """
    now, then = grid.alpha_bar[:-1], grid.alpha_bar[1:]
    added = eta**2 * variance
    keep = np.sqrt(np.maximum(1 - then - added, 0) / (1 - now))
    nothing = np.zeros(len(now))
    weights = [keep, np.sqrt(then) - keep * np.sqrt(now), nothing, nothing, np.sqrt(added)]
    return Table(grid.t[: len(now)], np.stack(weights, axis=1))


def _posterior_variance(grid: Grid) -> np.ndarray:
    """beta-tilde of each step of the grid (Ho et al. 2020, eq. 7); 0 for the clean image's."""
    now, then = grid.alpha_bar[:-1], grid.alpha_bar[1:]
    return (1 - then) / (1 - now) * (1 - now / then)


def ddpm(grid: Grid) -> Table:
    """Ancestral sampling with the posterior's variance (DDPM algorithm 2, beta-tilde)."""
    return _gaussian_step(grid, _posterior_variance(grid), 1.0)


def ddpm_beta(grid: Grid) -> Table:
    """Ancestral sampling with variance beta, the larger of the two of Ho et al. 2020, section 3.2.

    The last step adds no noise.
    """
    table = ddpm(grid)
    beta = 1 - grid.alpha_bar[:-1] / grid.alpha_bar[1:]
    table.weights[:-1, 4] = np.sqrt(beta[:-1])
    return table


def ddim(grid: Grid, eta: float = 0.0) -> Table:
    """DDIM (Song et al. 2021, eq. 12 and 16): eta = 0 is deterministic, eta = 1 is `ddpm`."""
    return _gaussian_step(grid, _posterior_variance(grid), eta)


def dpm_solver_pp(grid: Grid) -> Table:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2).

    x_next = (sigma'/sigma) x + (alpha' - alpha sigma'/sigma) D, where
    D = x_0 + (x_0 - x_0_before) h / (2 h_before) and h is the step in lambda = log(alpha / sigma).
    Where h or h_before is infinite or unknown, D = x_0: in the first step, in the one after pure
    noise and in the one to the clean image.
    """
    table = ddim(grid)
    alpha, sigma = np.sqrt(grid.alpha_bar), np.sqrt(1 - grid.alpha_bar)
    for i in range(1, len(table.t)):
        if alpha[i - 1] == 0 or sigma[i + 1] == 0:
            continue  # an infinite step has no second order
        lambdas = np.log(alpha[i - 1 : i + 2] / sigma[i - 1 : i + 2])
        more = (lambdas[2] - lambdas[1]) / (2 * (lambdas[1] - lambdas[0]))
        weight = table.weights[i, 1]
        table.weights[i, 1], table.weights[i, 3] = weight * (1 + more), -weight * more
    return table


def heun(grid: Grid) -> Table:
    """Heun's method on the probability-flow ODE (Karras et al. 2022, algorithm 1).

    In y = x / alpha over s = sigma / alpha the ODE is dy/ds = (y - x_0) / s. A step is two
    evaluations: Euler's step, which is DDIM's, then one with the mean of the slopes at both ends.
    Two steps are Euler's alone: the one to the clean image, where the slope is unknown, and any
    from a log-SNR below NOISE_LOG_SNR. There s can be 20,000 and fall to 6 in one step, over which
    a mean of two slopes says nothing of the curve, and its error would outweigh the image.
    """
    euler = ddim(grid)
    t, weights = [], []
    for i in range(len(euler.t)):
        t.append(grid.t[i])
        weights.append(euler.weights[i])
        now, then = grid.alpha_bar[i], grid.alpha_bar[i + 1]
        if now < 1 / (1 + np.exp(-NOISE_LOG_SNR)) or then == 1:
            continue
        s_now, s_then = np.sqrt(1 / now - 1), np.sqrt(1 / then - 1)
        h, alpha = s_then - s_now, np.sqrt(then)
        of_x_0 = -alpha * h / (2 * s_then)
        of_x_before = alpha * s_then / s_now / np.sqrt(now)
        of_x_0_before = alpha * (h / (2 * s_then) - h / s_now)
        t.append(grid.t[i + 1])
        weights.append(np.array([0.0, of_x_0, of_x_before, of_x_0_before, 0.0]))
    return Table(np.array(t), np.stack(weights))


# "ddpm" is what the paper uses (DDPM algorithm 2).
SAMPLERS: dict[str, Callable[..., Table]] = {
    "ddpm": ddpm,
    "ddpm_beta": ddpm_beta,
    "ddim": ddim,
    "dpm_solver_pp": dpm_solver_pp,
    "heun": heun,
}


def initial_noise(keys: jax.Array, shape: tuple[int, int, int]) -> jax.Array:
    """Draws each image's x_T from its key: key[B] -> f32[B,H,W,C]."""
    return jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, 0), shape))(keys)


def start(x: jax.Array) -> Walk:
    """Returns a walk that begins at x_T, f32[B,H,W,C]."""
    return Walk(x, jnp.zeros_like(x), jnp.zeros_like(x))


def run(
    table: Table,
    denoise_fn: DenoiseFn,
    keys: jax.Array,
    walk: Walk,
    first: jax.Array | int = 0,
    count: int | None = None,
) -> Walk:
    """Takes a walk through `count` rows of a table, in one `lax.scan`.

    Args:
      table: E rows.
      denoise_fn: gets t as the table has it.
      keys: key[B], one per image; an image's noise depends on its key and on the row alone.
      walk: from `start` or an earlier call.
      first: i32[], the row to begin with, 0 (the noisiest) <= first < E.
      count: number of rows; None: E. Rows past the end change nothing.
    """
    total = len(table.t)
    dtype = walk.x.dtype
    t_of = jnp.asarray(table.t)
    weights_of = jnp.asarray(table.weights, dtype)

    def body(walk: Walk, i: jax.Array) -> tuple[Walk, None]:
        row = jnp.minimum(i, total - 1)
        a, b, c, d, s = weights_of[row]
        x_0 = denoise_fn(walk.x, jnp.full(walk.x.shape[0], t_of[row]))
        z = jax.vmap(
            lambda key: jax.random.normal(jax.random.fold_in(key, i + 1), walk.x.shape[1:], dtype)
        )(keys)
        x = a * walk.x + b * x_0 + c * walk.x_before + d * walk.x_0_before + s * z
        after = Walk(x, walk.x, x_0)
        return jax.tree.map(lambda new, old: jnp.where(i < total, new, old), after, walk), None

    return lax.scan(body, walk, first + jnp.arange(total if count is None else count))[0]
