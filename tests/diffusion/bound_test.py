import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from synthmed_jax.diffusion import bound, process
from synthmed_jax.diffusion.schedule import make_schedule

SCHEDULE = make_schedule("linear", 60)


def images(n=4):
    levels = jax.random.randint(jax.random.key(0), (n, 3, 3, 1), 0, 256)
    return levels / 127.5 - 1


def normal(seed, shape):
    return jax.random.normal(jax.random.key(seed), shape)


def test_the_prior_term_is_the_kl_divergence_to_a_unit_normal():
    schedule = make_schedule("linear", 60)._replace(alpha_bar=np.linspace(0.9, 0.2, 60))
    x_0 = images()
    mean, variance = np.sqrt(0.2) * np.asarray(x_0, np.float64), 0.8
    kl = 0.5 * (variance + mean**2 - 1 - np.log(variance))
    expected = kl.mean((1, 2, 3)) / math.log(2)
    np.testing.assert_allclose(bound.prior_term(schedule, x_0), expected, rtol=1e-4)


@pytest.mark.parametrize("t", [1, 20, 59])
def test_a_step_term_is_the_kl_divergence_of_two_posteriors(t):
    x_0 = images()
    steps, eps = jnp.full(4, t), normal(1, x_0.shape)

    def denoise(x, t):
        return 0.5 * x

    x_t = process.q_sample(SCHEDULE, x_0, steps, eps)
    true_mean, variance = process.q_posterior(SCHEDULE, x_0, x_t, steps)
    mean, _ = process.q_posterior(SCHEDULE, denoise(x_t, steps), x_t, steps)
    kl = np.square(true_mean - mean) / (2 * variance)
    np.testing.assert_allclose(
        bound.step_term(SCHEDULE, denoise, x_0, steps, eps),
        np.asarray(kl).mean((1, 2, 3)) / math.log(2),
        rtol=2e-3,
    )


def test_a_denoiser_that_knows_x_0_pays_for_the_prior_alone():
    x_0 = images()

    def knows(x, t):
        return x_0

    for t in (1, 30, 59):
        terms = bound.step_term(SCHEDULE, knows, x_0, jnp.full(4, t), normal(1, x_0.shape))
        np.testing.assert_array_equal(terms, 0)
    # The decoder's scale is larger than a grey level here, so that its mass is known and not 1.
    scale = math.sqrt(SCHEDULE.beta[0])
    inner = norm.cdf(bound.GREY_STEP / 2 / scale) - norm.cdf(-bound.GREY_STEP / 2 / scale)
    inside = jnp.zeros((2, 2, 2, 1)) + 1 / 255
    found = bound.decoder_term(SCHEDULE, lambda x, t: inside, inside, normal(2, inside.shape))
    np.testing.assert_allclose(found, -math.log2(inner), rtol=1e-4)


def test_the_grey_levels_share_the_decoder_s_whole_mass():
    levels = (jnp.arange(256) / 127.5 - 1)[:, None, None, None]
    for mean in (-1.0, -0.2, 0.999):
        bits = bound.decoder_term(
            SCHEDULE, lambda x, t, m=mean: jnp.full_like(x, m), levels, jnp.zeros_like(levels)
        )
        assert np.all(np.isfinite(bits))
        np.testing.assert_allclose(np.exp2(-np.asarray(bits, np.float64)).sum(), 1, rtol=1e-4)


def test_a_gaussian_s_terms_are_known():
    # With a Gaussian's own denoiser, E[L_{t-1}] = (SNR_{t-1} - SNR_t) / 2 * Var[x_0 | x_t].
    variance, n = 0.04, 4000
    schedule = make_schedule("cosine", 400)
    x_0 = math.sqrt(variance) * normal(0, (n, 1, 1, 1))

    def denoise(x, t):
        abar = process.at(schedule.alpha_bar, t)
        return x * jnp.sqrt(abar) * variance / (abar * variance + 1 - abar)

    snr = schedule.alpha_bar / (1 - schedule.alpha_bar)
    for t in (1, 5, 50, 200, 390):
        terms = np.asarray(
            bound.step_term(schedule, denoise, x_0, jnp.full(n, t), normal(t, x_0.shape))
        )
        exact = (snr[t - 1] - snr[t]) / 2 * variance / (1 + snr[t] * variance) / math.log(2)
        assert terms.mean() == pytest.approx(exact, abs=float(5 * terms.std() / math.sqrt(n)))
