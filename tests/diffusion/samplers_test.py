import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed_jax.diffusion import denoisers, process, samplers
from synthmed_jax.diffusion.grid import Grid, make_grid
from synthmed_jax.diffusion.schedule import make_schedule

SCHEDULE = make_schedule("cosine", 200)


def keys(n: int) -> jax.Array:
    return jax.vmap(lambda i: jax.random.fold_in(jax.random.key(0), i))(jnp.arange(n))


def sample(name, num_steps, denoise_fn, n=6, shape=(4, 4, 1), chunk=None, schedule=SCHEDULE):
    table = samplers.SAMPLERS[name](make_grid(schedule, num_steps))
    walk = samplers.start(samplers.initial_noise(keys(n), shape))
    chunk = chunk or len(table.t)
    for first in range(0, len(table.t), chunk):
        walk = samplers.run(table, denoise_fn, keys(n), walk, first, chunk)
    return walk.x


def test_ddpm_is_the_paper_s_step_at_every_t():
    # Algorithm 2's closed form, from the process itself, against the table.
    schedule = make_schedule("linear", 30)
    table = samplers.ddpm(make_grid(schedule, 30))
    x, x_0 = jnp.full((1, 1, 1, 1), 0.8), jnp.full((1, 1, 1, 1), -0.3)
    for row, t in enumerate(table.t):
        mean, variance = process.q_posterior(schedule, x_0, x, jnp.array([t]))
        a, b, c, d, s = table.weights[row]
        assert (c, d) == (0, 0)
        np.testing.assert_allclose(a * 0.8 + b * -0.3, float(mean[0, 0, 0, 0]), rtol=1e-5)
        np.testing.assert_allclose(s**2, float(variance[0, 0, 0, 0]), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("prediction", process.PREDICTIONS)
def test_ddpm_walks_back_with_the_true_noise_to_x_0(prediction):
    # The network knows the noise in every x_t that it is shown, and says so in its own terms.
    schedule = make_schedule("linear", 40)
    x_0 = jnp.tanh(jax.random.normal(jax.random.key(0), (4, 5, 6, 2)))

    def network(x_t, t):
        rates = process.rates_at(schedule, t)
        true_eps = (x_t - rates.signal * x_0) / rates.noise
        return process.PREDICTIONS[prediction].from_pair(x_0, true_eps, rates)

    denoise = denoisers.from_network(network, schedule, prediction)
    ends = sample("ddpm", 40, denoise, n=4, shape=(5, 6, 2), schedule=schedule)
    np.testing.assert_allclose(ends, x_0, atol=1e-5)


def test_a_ddpm_step_keeps_the_forward_marginals():
    # If x_0 is known, a step must turn a draw of q(x_t | x_0) into one of q(x_{t-1} | x_0).
    schedule, draws, t = make_schedule("cosine", 20), 40_000, 12
    table = samplers.ddpm(make_grid(schedule, 20))
    (row,) = np.flatnonzero(table.t == t)
    x_0 = jnp.full((draws, 1, 1, 1), 0.4)
    eps = jax.random.normal(jax.random.key(1), x_0.shape)
    x_t = process.q_sample(schedule, x_0, jnp.full(draws, t), eps)
    after = samplers.run(
        table, lambda x, t: x_0, keys(draws), samplers.start(x_t), first=int(row), count=1
    )
    x, variance = np.asarray(after.x), 1 - schedule.alpha_bar[t - 1]
    expected = np.sqrt(schedule.alpha_bar[t - 1]) * 0.4
    assert abs(x.mean() - expected) < 5 * np.sqrt(variance / draws)
    assert abs(x.var() - variance) < 5 * variance * np.sqrt(2 / draws)


def test_the_larger_variance_is_beta_and_the_last_step_adds_none():
    table = samplers.ddpm_beta(make_grid(SCHEDULE, 200))
    np.testing.assert_allclose(table.weights[:-1, 4] ** 2, SCHEDULE.beta[:0:-1], rtol=1e-6)
    assert table.weights[-1, 4] == 0


def test_eta_1_is_ddpm_and_eta_0_adds_no_noise():
    grid = make_grid(SCHEDULE, 17)
    np.testing.assert_allclose(
        samplers.ddim(grid, eta=1.0).weights, samplers.ddpm(grid).weights, atol=1e-12
    )
    assert not samplers.ddim(grid).weights[:, 4].any()


@pytest.mark.parametrize("name", samplers.SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 2, 9, 200])
@pytest.mark.parametrize("zero_terminal_snr", [False, True])
def test_a_perfect_denoiser_is_obeyed(name, num_steps, zero_terminal_snr):
    schedule = make_schedule("cosine", 200, zero_terminal_snr=zero_terminal_snr)
    truth = jnp.linspace(-1, 1, 6 * 16).reshape(6, 4, 4, 1)
    found = sample(name, num_steps, lambda x, t: truth, schedule=schedule)
    np.testing.assert_allclose(found, truth, atol=1e-5)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_a_gaussian_is_sampled_with_its_own_mean_and_variance(name):
    mean, variance, n = 0.3, 0.25, 3000

    def denoise(x, t):  # E[x_0 | x_t] of a Gaussian, in closed form
        abar = jnp.asarray(SCHEDULE.alpha_bar, jnp.float32)[t][:, None, None, None]
        gain = jnp.sqrt(abar) * variance / (abar * variance + 1 - abar)
        return mean + gain * (x - jnp.sqrt(abar) * mean)

    x = np.asarray(sample(name, 200, denoise, n=n, shape=(1, 1, 1)))
    assert abs(x.mean() - mean) < 5 * np.sqrt(variance / n)
    assert abs(x.var() - variance) < 5 * variance * np.sqrt(2 / n) + 0.01


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(st.sampled_from(sorted(samplers.SAMPLERS)), st.integers(1, 12), st.integers(1, 25))
def test_chunks_of_any_size_give_the_same_images(name, num_steps, chunk):
    def denoise(x, t):
        return jnp.tanh(x)

    whole = sample(name, num_steps, denoise, n=2)
    np.testing.assert_allclose(sample(name, num_steps, denoise, n=2, chunk=chunk), whole, atol=1e-6)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_an_image_depends_on_its_own_key_alone(name):
    def denoise(x, t):
        return jnp.tanh(x)

    np.testing.assert_allclose(
        sample(name, 10, denoise, n=3), sample(name, 10, denoise, n=6)[:3], atol=1e-6
    )


def test_the_denoiser_gets_steps_of_the_full_schedule_noisiest_first():
    seen = []

    def denoise(x, t):
        jax.debug.callback(lambda v: seen.append(int(v[0])), t, ordered=True)
        return x

    jax.block_until_ready(sample("ddim", 4, denoise, n=1))
    jax.effects_barrier()
    assert seen == [199, 149, 99, 49]


# --- orders of convergence, in float64 on continuous time ---

MEANS, SPREAD = np.array([-0.8, 0.6]), 0.3  # of two Gaussians
LOG_SNR = (-5.0, 5.0)


def gaussian(x, alpha_bar):
    """E[x_0 | x_t] of N(0.4, 0.5^2)."""
    gain = jnp.sqrt(alpha_bar) * 0.25 / (alpha_bar * 0.25 + 1 - alpha_bar)
    return 0.4 + gain * (x - jnp.sqrt(alpha_bar) * 0.4)


def gaussian_end(x, first, last):
    """The probability-flow ODE's exact solution: standardised values stay what they are."""
    z = (x - np.sqrt(first) * 0.4) / np.sqrt(first * 0.25 + 1 - first)
    return np.sqrt(last) * 0.4 + z * np.sqrt(last * 0.25 + 1 - last)


def mixture(x, alpha_bar):
    """E[x_0 | x_t] of two Gaussians of equal weight."""
    x, means = x[..., None], jnp.asarray(MEANS).reshape(1, 1, 1, 1, 2)
    variance = alpha_bar * SPREAD**2 + 1 - alpha_bar
    log = -((x - jnp.sqrt(alpha_bar) * means) ** 2) / (2 * variance)
    weight = jax.nn.softmax(log, axis=-1)
    gain = jnp.sqrt(alpha_bar) * SPREAD**2 / variance
    return (weight * (means + gain * (x - jnp.sqrt(alpha_bar) * means))).sum(-1)


def mixture_end(x, first, last):
    """Quantiles are kept by the ODE in one dimension: match the distribution functions."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    def cdf(v, abar):
        return norm.cdf(v, np.sqrt(abar) * MEANS, np.sqrt(abar * SPREAD**2 + 1 - abar)).mean()

    quantiles = [cdf(v, first) for v in x]
    return np.array(
        [brentq(lambda v, q=q: cdf(v, last) - q, -20, 20, xtol=1e-14) for q in quantiles]
    )


@pytest.mark.parametrize(("name", "order"), [("ddim", 1), ("dpm_solver_pp", 2), ("heun", 2)])
@pytest.mark.parametrize(("denoiser", "exact"), [(gaussian, gaussian_end), (mixture, mixture_end)])
def test_the_error_falls_with_the_sampler_s_order(name, order, denoiser, exact):
    start = np.array([-1.3, -0.4, 0.2, 1.7])
    errors = []
    with jax.enable_x64(True):
        for num_steps in (32, 64, 128):
            log_snr = np.linspace(*LOG_SNR, num_steps + 1)
            grid = Grid(t=log_snr, alpha_bar=1 / (1 + np.exp(-log_snr)))

            def denoise(x, t):
                return denoiser(x, 1 / (1 + jnp.exp(-t[0])))

            x = jnp.asarray(start)[:, None, None, None]
            table = samplers.SAMPLERS[name](grid)
            walk = samplers.run(table, denoise, keys(4), samplers.start(x))
            truth = exact(start, grid.alpha_bar[0], grid.alpha_bar[-1])
            assert walk.x.dtype == jnp.float64
            errors.append(np.abs(np.asarray(walk.x).ravel() - truth).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 0.05
    np.testing.assert_allclose(orders, order, atol=0.25)
