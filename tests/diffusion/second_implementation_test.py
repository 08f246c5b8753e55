"""Samplers, step by step, against their papers' formulas written out in numpy's float64."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.diffusion import samplers
from synthmed_jax.diffusion.grid import NOISE_LOG_SNR, SPACINGS, make_grid
from synthmed_jax.diffusion.schedule import make_schedule

MEANS, SPREAD = (-0.8, 0.6), 0.3  # of two Gaussians of equal weight
IMAGES = 5
ROWS = 24  # Tables are padded to so many rows: one program runs them all.
NOTHING = (1.0, 0.0, 0.0, 0.0, 0.0)
NOISES = {
    "linear": make_schedule("linear", 1000),
    "cosine": make_schedule("cosine", 1000),
    "sigmoid": make_schedule("sigmoid", 200),
    "zero": make_schedule("cosine", 300, zero_terminal_snr=True),
}


def denoise(x, alpha_bar, xp=np):
    """E[x_0 | x_t], with numpy or jax.numpy."""
    variance = alpha_bar * SPREAD**2 + 1 - alpha_bar
    off = [x - xp.sqrt(alpha_bar) * mean for mean in MEANS]
    second = 1 / (1 + xp.exp((off[1] ** 2 - off[0] ** 2) / (2 * variance)))
    gain = xp.sqrt(alpha_bar) * SPREAD**2 / variance
    each = [mean + gain * d for mean, d in zip(MEANS, off, strict=True)]
    return (1 - second) * each[0] + second * each[1]


def ddpm(x, x_0, now, then, z, *, larger=False):
    """Ho et al. 2020, eq. 7 and section 3.2; beta is that of the step from `then` to `now`."""
    beta = 1 - now / then
    mean = np.sqrt(then) * beta * x_0 + np.sqrt(now / then) * (1 - then) * x
    variance = beta * (1 - then) / (1 - now)
    if larger and then < 1:
        variance = beta
    return mean / (1 - now) + np.sqrt(variance) * z


def ddim(x, x_0, now, then, z, *, eta=0.0):
    """Song et al. 2021, eq. 12 and 16."""
    eps = (x - np.sqrt(now) * x_0) / np.sqrt(1 - now)
    sigma = eta * np.sqrt((1 - then) / (1 - now)) * np.sqrt(1 - now / then)
    return np.sqrt(then) * x_0 + np.sqrt(max(1 - then - sigma**2, 0)) * eps + sigma * z


def one_evaluation_per_step(step, x, grid, noise):
    """The x's of a sampler that asks the network once per step."""
    for now, then, z in zip(grid[:-1], grid[1:], noise, strict=False):
        x = step(x, denoise(x, now), now, then, z)
        yield x


def dpm_solver_pp(x, grid, noise):
    """Lu et al. 2022, algorithm 2, in lambda = log(alpha / sigma)."""
    with np.errstate(divide="ignore"):
        lambdas = (np.log(grid) - np.log(1 - grid)) / 2
    before = None
    for i in range(len(grid) - 1):
        h = lambdas[i + 1] - lambdas[i]
        x_0 = direction = denoise(x, grid[i])
        if i and np.isfinite(h) and np.isfinite(lambdas[i - 1]):
            r = (lambdas[i] - lambdas[i - 1]) / h
            direction = (1 + 1 / (2 * r)) * x_0 - before / (2 * r)
        sigma_now, sigma_then = np.sqrt(1 - grid[i : i + 2])
        x = sigma_then / sigma_now * x - np.sqrt(grid[i + 1]) * np.expm1(-h) * direction
        before = x_0
        yield x


def heun(x, grid, noise):
    """Karras et al. 2022, algorithm 1, in y = x / alpha over s = sigma / alpha."""
    for now, then in itertools.pairwise(grid):
        euler = ddim(x, denoise(x, now), now, then, 0.0)
        yield euler
        if now / (1 - now) >= np.exp(NOISE_LOG_SNR) and then < 1:
            s_now, s_then = np.sqrt((1 - now) / now), np.sqrt((1 - then) / then)
            y, y_then = x / np.sqrt(now), euler / np.sqrt(then)
            slope = (y - denoise(x, now)) / s_now
            slope_then = (y_then - denoise(euler, then)) / s_then
            x = np.sqrt(then) * (y + (s_then - s_now) * (slope + slope_then) / 2)
            yield x
        else:
            x = euler


# Name -> the project's table on a grid, and the x's of the second implementation.
BOTH = {
    "ddpm": (samplers.ddpm, functools.partial(one_evaluation_per_step, ddpm)),
    "ddpm_beta": (
        samplers.ddpm_beta,
        functools.partial(one_evaluation_per_step, functools.partial(ddpm, larger=True)),
    ),
    "dpm_solver_pp": (samplers.dpm_solver_pp, dpm_solver_pp),
    "heun": (samplers.heun, heun),
} | {
    f"ddim, eta {eta}": (
        functools.partial(samplers.ddim, eta=eta),
        functools.partial(one_evaluation_per_step, functools.partial(ddim, eta=eta)),
    )
    for eta in (0.0, 0.5, 1.0)
}


@jax.jit
def one_row(alpha_bar, weights, keys, walk, row):
    table = samplers.Table(np.arange(ROWS), weights)
    return samplers.run(
        table, lambda x, t: denoise(x, alpha_bar[t[0]], jnp), keys, walk, row, count=1
    )


@jax.jit
def noise_of(keys):
    """What `run` draws: f64[ROWS,IMAGES]."""

    def of_row(row):
        fold = jax.vmap(lambda key: jax.random.fold_in(key, row + 1))
        return jax.vmap(lambda key: jax.random.normal(key, (), jnp.float64))(fold(keys))

    return jax.vmap(of_row)(jnp.arange(ROWS))


def test_every_sampler_has_a_second_implementation():
    assert {name.split(",")[0] for name in BOTH} == set(samplers.SAMPLERS)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("noise", NOISES)
def test_every_x_is_that_of_a_second_implementation(name, noise):
    make_table, steps_of = BOTH[name]
    schedule = NOISES[noise]
    x = np.random.default_rng(0).normal(size=IMAGES)
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(1), IMAGES)
        z = np.asarray(noise_of(keys))
        for spacing, num_steps in itertools.product(SPACINGS, (1, 2, 3, 12)):
            grid = make_grid(schedule, num_steps, spacing)
            table = make_table(grid)
            padding = ROWS - len(table.t)
            weights = np.append(table.weights, np.tile(NOTHING, (padding, 1)), axis=0)
            alpha_bar = np.append(schedule.alpha_bar[table.t], np.ones(padding))
            walk = samplers.start(jnp.asarray(x)[:, None, None, None])
            expected = list(steps_of(x, grid.alpha_bar, z))
            assert len(expected) == len(table.t)
            for row, expected_x in enumerate(expected):
                walk = one_row(alpha_bar, weights, keys, walk, row)
                found = np.asarray(walk.x).ravel()
                # Heun's formula in s loses digits where s is 20,000: up to 4e-8 of them.
                np.testing.assert_allclose(found, expected_x, atol=1e-7, rtol=1e-9)
