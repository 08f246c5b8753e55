import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed_jax.diffusion import process
from synthmed_jax.diffusion.schedule import SCHEDULES, make_schedule
from synthmed_jax.errors import UserError

SHAPE = (4, 5, 6, 2)


def noise(seed: int, shape=SHAPE) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def steps(t: int, batch: int = SHAPE[0]) -> jax.Array:
    return jnp.full(batch, t)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_forward_moments_by_monte_carlo(kind):
    # Step by step, x_t = sqrt(1 - beta) x + sqrt(beta) eps must have the closed form's moments.
    schedule = make_schedule(kind, 50)
    draws, x_0 = 40_000, 0.7
    rng = np.random.default_rng(0)
    x = np.full(draws, x_0)
    for t in range(30):
        beta = schedule.beta[t]
        x = np.sqrt(1 - beta) * x + np.sqrt(beta) * rng.normal(size=draws)
    one_jump = process.q_sample(
        schedule, jnp.full((draws, 1, 1, 1), x_0), steps(29, draws), noise(1, (draws, 1, 1, 1))
    )
    for sample in (x, np.asarray(one_jump)):
        # Five standard errors of a mean and a variance of 40,000 draws.
        variance = 1 - schedule.alpha_bar[29]
        error = 5 * np.sqrt(variance / draws)
        assert abs(sample.mean() - np.sqrt(schedule.alpha_bar[29]) * x_0) < error
        assert abs(sample.var() - variance) < 5 * variance * np.sqrt(2 / draws)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_posterior_at_t_0_is_x_0_itself(kind):
    schedule = make_schedule(kind, 100)
    x_0 = noise(0)
    for x_t in (noise(1), 1e3 * noise(2)):
        mean, variance = process.q_posterior(schedule, x_0, x_t, steps(0))
        np.testing.assert_allclose(mean, x_0, rtol=1e-6)
        np.testing.assert_array_equal(variance, 0)


@pytest.mark.parametrize("t", [1, 7, 99])
def test_posterior_is_bayes_rule(t):
    # q(x_{t-1} | x_t, x_0) is proportional to q(x_t | x_{t-1}) q(x_{t-1} | x_0): add precisions.
    schedule = make_schedule("linear", 100)
    alpha, beta, prev = 1 - schedule.beta[t], schedule.beta[t], schedule.alpha_bar[t - 1]
    precision = alpha / beta + 1 / (1 - prev)
    x_0, x_t = noise(0), noise(1)
    expected = (np.sqrt(alpha) / beta * x_t + np.sqrt(prev) / (1 - prev) * x_0) / precision
    mean, variance = process.q_posterior(schedule, x_0, x_t, steps(t))
    np.testing.assert_allclose(mean, expected, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(variance, np.full((4, 1, 1, 1), 1 / precision), rtol=1e-5)


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("num_steps", [1000, 4000])
def test_the_parts_of_x_t_are_float64_s_to_float32_s_last_digit(kind, num_steps):
    # Where there is little noise, 1 - alpha-bar in float32 would be off by 8e-5 to 1.5e-3.
    schedule = make_schedule(kind, num_steps)
    rates = process.rates_at(schedule, jnp.array([0, num_steps // 2, num_steps - 1]))
    beta, last = schedule.beta[0], np.finfo(np.float32).eps
    np.testing.assert_allclose(float(rates.noise[0, 0, 0, 0]), np.sqrt(beta), rtol=last)
    np.testing.assert_allclose(float(rates.signal[0, 0, 0, 0]), np.sqrt(1 - beta), rtol=last)
    noise, signal = (np.asarray(part, np.float64) for part in (rates.noise, rates.signal))
    np.testing.assert_allclose(noise**2 + signal**2, 1, rtol=4 * last)


@pytest.mark.parametrize("prediction", process.PREDICTIONS)
@pytest.mark.parametrize("t", [0, 10, 90])
def test_the_true_target_gives_back_x_0(prediction, t):
    schedule = make_schedule("cosine", 100)
    x_0, eps = noise(0), noise(1)
    x_t = process.q_sample(schedule, x_0, steps(t), eps)
    rates = process.rates_at(schedule, steps(t))
    target = process.PREDICTIONS[prediction].from_pair(x_0, eps, rates)
    found = process.predict_x0(schedule, target, x_t, steps(t), prediction)
    np.testing.assert_allclose(found, x_0, atol=2e-5)


def test_eps_at_pure_noise_is_refused_and_the_others_give_back_x_0():
    schedule = make_schedule("cosine", 20, zero_terminal_snr=True)
    x_0, eps, t = noise(0), noise(1), steps(19)
    x_t = process.q_sample(schedule, x_0, t, eps)
    np.testing.assert_array_equal(x_t, eps)
    with pytest.raises(UserError, match="'eps' can't go with a zero terminal SNR"):
        process.predict_x0(schedule, eps, x_t, t)
    with pytest.raises(UserError, match="'eps' can't go with a zero terminal SNR"):
        process.loss_weights(schedule, "min_snr", "eps")
    for prediction in ("v", "x0"):
        rates = process.rates_at(schedule, t)
        target = process.PREDICTIONS[prediction].from_pair(x_0, eps, rates)
        found = process.predict_x0(schedule, target, x_t, t, prediction)
        np.testing.assert_allclose(found, x_0, atol=1e-5)
        assert np.isfinite(process.loss_weights(schedule, "min_snr", prediction)).all()


@pytest.mark.parametrize("prediction", process.PREDICTIONS)
def test_l_simple_is_zero_for_the_truth_and_the_targets_power_for_silence(prediction):
    schedule = make_schedule("linear", 100)
    x_0, eps, t = noise(0), noise(1), jnp.array([0, 3, 50, 99])
    target = process.PREDICTIONS[prediction].from_pair(x_0, eps, process.rates_at(schedule, t))
    truth = process.l_simple(schedule, lambda x, t: target, x_0, t, eps, prediction)
    silence = process.l_simple(schedule, lambda x, t: 0 * x, x_0, t, eps, prediction)
    np.testing.assert_array_equal(truth, 0)
    np.testing.assert_allclose(silence, np.square(target).mean((1, 2, 3)), rtol=1e-5)


def test_the_model_sees_x_t_of_eq_3():
    schedule = make_schedule("linear", 10)
    x_0, eps, t = noise(0), noise(1), jnp.array([0, 3, 5, 9])
    seen = []
    process.l_simple(schedule, lambda x, t: seen.append((x, t)) or x, x_0, t, eps)
    (x_t, t_seen) = seen[0]
    abar = schedule.alpha_bar[np.asarray(t)].reshape(4, 1, 1, 1)
    np.testing.assert_allclose(x_t, np.sqrt(abar) * x_0 + np.sqrt(1 - abar) * eps, rtol=1e-5)
    np.testing.assert_array_equal(t_seen, t)


@pytest.mark.parametrize("prediction", process.PREDICTIONS)
def test_min_snr_weighs_the_error_of_x_0_alike_for_every_prediction(prediction):
    # A target's error times its weight must be min(SNR, 5) times the error of x_0 that it makes.
    schedule = make_schedule("cosine", 100)
    weights = process.loss_weights(schedule, "min_snr", prediction)
    x_0, eps, t = noise(0), noise(1), jnp.array([1, 20, 60, 95])
    x_t, rates = process.q_sample(schedule, x_0, t, eps), process.rates_at(schedule, t)
    wrong = process.PREDICTIONS[prediction].from_pair(x_0, eps, rates) + 0.01
    error = process.predict_x0(schedule, wrong, x_t, t, prediction) - x_0
    abar = schedule.alpha_bar[np.asarray(t)]
    expected = np.minimum(abar / (1 - abar), 5) * np.square(error).mean((1, 2, 3))
    np.testing.assert_allclose(weights[np.asarray(t)] * 0.01**2, expected, rtol=0.05)
    np.testing.assert_array_equal(process.loss_weights(schedule, "simple", prediction), 1)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([1, 2, 3, 10, 64]), st.integers(1, 1000), st.integers(0, 2**31 - 1))
def test_stratified_steps_are_spread_evenly(batch, total, seed):
    t = process.draw_stratified_steps(jax.random.key(seed), jnp.arange(batch), batch, total)
    t = np.asarray(t)
    assert t.min() >= 0
    assert t.max() < total
    # Every B-th part of 0..T holds one draw: sorted draws are within one part of even ones.
    even = (np.arange(batch) + 0.5) * total / batch
    assert np.abs(t + 0.5 - even).max() <= 0.5 * total / batch + 1


def test_each_stratified_step_alone_is_uniform():
    draw = jax.vmap(
        lambda key: process.draw_stratified_steps(key, jnp.arange(4), 4, 8)[1], in_axes=0
    )
    t = np.asarray(draw(jax.random.split(jax.random.key(0), 4000)))
    assert set(t) == {2, 3}  # the second quarter of 0..7
    assert abs((t == 2).mean() - 0.5) < 5 * 0.5 / np.sqrt(4000)


def test_uniform_steps_cover_every_step_alike():
    t = np.asarray(process.draw_uniform_steps(jax.random.split(jax.random.key(0), 8000), 8))
    counts = np.bincount(t, minlength=8)
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)
