import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.diffusion import denoisers
from synthmed_jax.diffusion.process import PREDICTIONS, at, q_sample, rates_at
from synthmed_jax.diffusion.schedule import make_schedule

SCHEDULE = make_schedule("cosine", 100)
X = jax.random.normal(jax.random.key(0), (3, 4, 4, 2))
T = jnp.array([10, 50, 90])


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_network_that_knows_the_truth_gives_x_0(prediction):
    x_0, eps = jnp.tanh(X), X[::-1]
    x_t = q_sample(SCHEDULE, x_0, T, eps)
    truth = PREDICTIONS[prediction].from_pair(x_0, eps, rates_at(SCHEDULE, T))
    denoise = denoisers.from_network(lambda x, t: truth, SCHEDULE, prediction)
    np.testing.assert_allclose(denoise(x_t, T), x_0, atol=1e-5)


def conditional(x, t):
    return x + 1


def unconditional(x, t):
    return x - 1


def both(x, t):
    return conditional(x, t), unconditional(x, t)


def test_guidance_of_weight_1_is_none_and_more_goes_further():
    for weight, shift in [(1.0, 1), (0.0, -1), (3.0, 5)]:
        guided = denoisers.guided(both, SCHEDULE, weight)
        np.testing.assert_allclose(guided(X, T), X + shift, atol=1e-5)


def test_guidance_acts_inside_its_interval_alone():
    guided = denoisers.guided(both, SCHEDULE, 3.0, (0.2, 0.9))
    shift = np.asarray(guided(X, T) - X)[:, 0, 0, 0]
    np.testing.assert_allclose(shift, [1, 5, 1], atol=1e-5)


def test_guidance_of_eps_and_of_x_0_are_the_same():
    alpha_bar = at(SCHEDULE.alpha_bar, T)

    def eps_of(x_0):
        return (X - jnp.sqrt(alpha_bar) * x_0) / jnp.sqrt(1 - alpha_bar)

    c, u = eps_of(conditional(X, T)), eps_of(unconditional(X, T))
    by_eps = (X - jnp.sqrt(1 - alpha_bar) * (u + 2.5 * (c - u))) / jnp.sqrt(alpha_bar)
    guided = denoisers.guided(both, SCHEDULE, 2.5)
    np.testing.assert_allclose(guided(X, T), by_eps, rtol=1e-3, atol=1e-3)


def test_thresholds():
    x = 3 * X
    for name in denoisers.THRESHOLDS:
        kept = denoisers.thresholded(lambda x, t: x, name)(x, T)
        assert (np.abs(kept).max() <= 1) == (name != "none"), name
        # What is in range already stays.
        np.testing.assert_allclose(
            denoisers.thresholded(lambda x, t: x, name)(jnp.tanh(X), T), jnp.tanh(X)
        )
    np.testing.assert_array_equal(denoisers.THRESHOLDS["clip"](x), np.clip(x, -1, 1))
    # Dynamic: order is kept below the quantile, where plain clipping flattens.
    dynamic = np.asarray(denoisers.THRESHOLDS["dynamic"](x))
    limit = np.quantile(np.abs(x), 0.995, axis=(1, 2, 3))[:, None, None, None]
    np.testing.assert_allclose(dynamic, np.clip(x, -limit, limit) / limit, rtol=1e-5)
