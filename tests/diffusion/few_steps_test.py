"""Samplers with 5 to 50 steps on a known mixture with the exact denoiser."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from synthmed_jax.diffusion import advice, samplers
from synthmed_jax.diffusion.generate_settings import SampleSettings
from synthmed_jax.diffusion.grid import SPACINGS, make_grid
from synthmed_jax.diffusion.schedule import SCHEDULES, make_schedule
from synthmed_jax.errors import UserError

MEANS, SPREADS, SHARES = np.array([-0.8, 0.5]), np.array([0.1, 0.2]), np.array([0.4, 0.6])
MEAN = SHARES @ MEANS
VARIANCE = SHARES @ (SPREADS**2 + MEANS**2) - MEAN**2
DRAWS = 5000
STEPS = (5, 10, 20, advice.ENOUGH_STEPS, 50)
# At least this share of the right variance: what is published comes to no more in so few steps.
NARROWEST = {5: 0.35, 10: 0.68, 20: 0.84, advice.ENOUGH_STEPS: 0.9, 50: 0.92}
# The largest energy distance to the mixture; that of as many true draws is 0.00015.
FARTHEST = {5: 0.15, 10: 0.035, 20: 0.008, advice.ENOUGH_STEPS: 0.004, 50: 0.003}
NOISES = {
    (kind, zero): make_schedule(kind, 1000, zero_terminal_snr=zero)
    for kind, zero in itertools.product(SCHEDULES, (False, True))
}
LENGTHS = (10, 20, 50, 99)  # Tables are padded to these, so that four programs run them all.


def denoise(x, alpha_bar):
    """E[x_0 | x_t] of the mixture: f32[B,1,1,1] -> f32[B,1,1,1]."""
    x = x[:, 0, 0]
    variance = alpha_bar * SPREADS**2 + 1 - alpha_bar
    distance = x - jnp.sqrt(alpha_bar) * MEANS[None]
    log = (jnp.log(SHARES) - jnp.log(variance) / 2)[None] - distance**2 / (2 * variance)[None]
    second = jax.nn.sigmoid(log[:, 1] - log[:, 0])
    share = jnp.stack([1 - second, second], axis=1)
    gain = jnp.sqrt(alpha_bar) * SPREADS**2 / variance
    return (share * (MEANS[None] + gain[None] * distance)).sum(1)[:, None, None, None]


@jax.jit
def draw(rows, alpha_bar, weights, key):
    """Images of many tables of one length, padded with rows that do nothing: f32[tables, DRAWS]."""
    keys = jax.random.split(key, DRAWS)
    x = samplers.initial_noise(keys, (1, 1, 1))

    def of_table(alpha_bar, weights):
        table = samplers.Table(rows, weights)
        walk = samplers.run(
            table, lambda x, t: denoise(x, alpha_bar[t[0]]), keys, samplers.start(x)
        )
        return walk.x.ravel()

    return jax.vmap(of_table)(alpha_bar, weights)


def energy_distance(x):
    """2 times the integral of (F_n - F)^2, F the mixture's own distribution function."""
    at = np.linspace(-3, 3, 3001)
    empirical = np.searchsorted(np.sort(x), at) / len(x)
    exact = norm.cdf((at[:, None] - MEANS) / SPREADS) @ SHARES
    return 2 * ((empirical - exact) ** 2).sum() * (at[1] - at[0])


@functools.cache
def drawn():
    """(schedule, zero terminal SNR, spacing, sampler, steps) -> draws, f32[DRAWS]."""
    tables = {}
    for (noise, schedule), spacing, name, steps in itertools.product(
        NOISES.items(), SPACINGS, samplers.SAMPLERS, STEPS
    ):
        table = samplers.SAMPLERS[name](make_grid(schedule, steps, spacing))
        tables[(*noise, spacing, name, steps)] = table, schedule.alpha_bar[table.t]
    found = {}
    for shorter, length in itertools.pairwise((0, *LENGTHS)):
        some = {k: v for k, v in tables.items() if shorter < len(v[0].t) <= length}
        weights = np.tile(np.array([1.0, 0, 0, 0, 0]), (len(some), length, 1))
        alpha_bar = np.ones((len(some), length))
        for i, (table, alpha_bar_of_rows) in enumerate(some.values()):
            weights[i, : len(table.t)] = table.weights
            alpha_bar[i, : len(table.t)] = alpha_bar_of_rows
        x = draw(np.arange(length), alpha_bar, weights, jax.random.key(length))
        found |= dict(zip(some, np.asarray(x, np.float64), strict=True))
    return found


def settings(spacing, name, steps):
    return SampleSettings(name, steps, spacing, 0.0, "clip", 1.0, 0.0, 1.0, seed=0)


def is_refused(spacing, name, steps):
    try:
        settings(spacing, name, steps)
    except UserError:
        return True
    return False


@pytest.mark.parametrize("name", samplers.SAMPLERS)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", STEPS)
def test_few_steps_draw_the_mixture_or_say_that_they_can_t(spacing, name, steps):
    refused = is_refused(spacing, name, steps)
    warned = not refused and advice.about_sampler(settings(spacing, name, steps))
    for noise in NOISES:
        x = drawn()[(*noise, spacing, name, steps)]
        ratio = x.var() / VARIANCE
        if refused:
            assert ratio > 2, noise
            continue
        assert ratio < (1.1 if steps >= 20 else 1.3), noise
        assert ratio > (0.9 if steps >= 20 and not warned else NARROWEST[steps]), noise
        assert abs(x.mean() - MEAN) < 0.04, noise
        assert energy_distance(x) < FARTHEST[steps], noise
