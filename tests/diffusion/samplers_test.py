import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed_jax.diffusion import process, samplers
from synthmed_jax.diffusion.samplers import Grid
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.errors import UserError

SCHEDULE = make_schedule("cosine", 200)


def keys(n: int) -> jax.Array:
    return jax.vmap(lambda i: jax.random.fold_in(jax.random.key(0), i))(jnp.arange(n))


def sample(name, num_steps, denoise_fn, n=6, shape=(4, 4, 1), chunk=None, schedule=SCHEDULE):
    table = samplers.SAMPLERS[name](samplers.make_grid(schedule, num_steps))
    walk = samplers.start(samplers.initial_noise(keys(n), shape))
    chunk = chunk or len(table.t)
    for first in range(0, len(table.t), chunk):
        walk = samplers.run(table, denoise_fn, keys(n), walk, first, chunk)
    return walk.x


@given(
    st.sampled_from(sorted(samplers.SPACINGS)),
    st.sampled_from(["linear", "cosine", "sigmoid"]),
    st.integers(2, 300),
    st.data(),
)
def test_a_grid_falls_through_different_steps_from_the_noisiest(spacing, kind, total, data):
    schedule = make_schedule(kind, total)
    num_steps = data.draw(st.integers(1, total))
    grid = samplers.make_grid(schedule, num_steps, spacing)
    assert len(grid.t) == num_steps
    assert grid.t[0] == total - 1
    assert grid.t[-1] >= 0
    assert np.all(np.diff(grid.t) < 0)
    np.testing.assert_array_equal(grid.alpha_bar[:-1], schedule.alpha_bar[grid.t])
    assert grid.alpha_bar[-1] == 1


def test_log_snr_spacing_is_even_where_the_schedule_is_fine_enough():
    schedule = make_schedule("linear", 4000)
    grid = samplers.make_grid(schedule, 20, "log_snr")
    log_snr = np.log(grid.alpha_bar[:-1] / (1 - grid.alpha_bar[:-1]))
    gaps = np.diff(log_snr)[1:-2]  # the first crosses pure noise, the last meets single steps
    np.testing.assert_allclose(gaps, gaps.mean(), rtol=0.05)


@pytest.mark.parametrize("num_steps", [0, 201])
def test_step_counts_out_of_range_are_refused(num_steps):
    with pytest.raises(UserError, match="1 to 200"):
        samplers.make_grid(SCHEDULE, num_steps)


def test_an_unknown_spacing_lists_the_choices():
    with pytest.raises(UserError, match="time, log_snr"):
        samplers.make_grid(SCHEDULE, 5, "snr")


def test_ddpm_is_the_paper_s_step_at_every_t():
    # Algorithm 2's closed form, from the process itself, against the table.
    schedule = make_schedule("linear", 30)
    table = samplers.ddpm(samplers.make_grid(schedule, 30))
    x, x_0 = jnp.full((1, 1, 1, 1), 0.8), jnp.full((1, 1, 1, 1), -0.3)
    for row, t in enumerate(table.t):
        mean, variance = process.q_posterior(schedule, x_0, x, jnp.array([t]))
        a, b, c, d, s = table.weights[row]
        assert (c, d) == (0, 0)
        np.testing.assert_allclose(a * 0.8 + b * -0.3, float(mean[0, 0, 0, 0]), rtol=1e-5)
        np.testing.assert_allclose(s**2, float(variance[0, 0, 0, 0]), rtol=1e-5, atol=1e-9)


def test_the_larger_variance_is_beta_and_the_last_step_adds_none():
    table = samplers.ddpm_beta(samplers.make_grid(SCHEDULE, 200))
    np.testing.assert_allclose(table.weights[:-1, 4] ** 2, SCHEDULE.beta[:0:-1], rtol=1e-6)
    assert table.weights[-1, 4] == 0


def test_eta_1_is_ddpm_and_eta_0_adds_no_noise():
    grid = samplers.make_grid(SCHEDULE, 17)
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
