import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.diffusion import samplers
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.errors import UserError

SCHEDULE = make_schedule("cosine", 200)


def keys(n: int) -> jax.Array:
    return jax.vmap(lambda i: jax.random.fold_in(jax.random.key(0), i))(jnp.arange(n))


def sample(name, num_steps, denoise_fn, n=6, shape=(4, 4, 1), chunk=None):
    respaced, timesteps = samplers.respace(SCHEDULE, num_steps)
    x = samplers.initial_noise(keys(n), shape)
    chunk = chunk or num_steps
    for first in range(0, num_steps, chunk):
        x = samplers.run_steps(
            samplers.SAMPLERS[name], denoise_fn, respaced, timesteps, keys(n), x, first, chunk
        )
    return x


@pytest.mark.parametrize("num_steps", [1, 7, 50, 200])
def test_respacing_keeps_alpha_bar_and_ends_at_full_noise(num_steps):
    respaced, t = samplers.respace(SCHEDULE, num_steps)
    assert len(t) == num_steps == len(set(t.tolist()))
    assert t[-1] == 199
    np.testing.assert_allclose(np.cumprod(1 - respaced.beta), SCHEDULE.alpha_bar[t], rtol=1e-8)


def test_respacing_to_every_step_is_the_schedule_itself():
    respaced, t = samplers.respace(SCHEDULE, 200)
    np.testing.assert_array_equal(t, np.arange(200))
    np.testing.assert_allclose(respaced.beta, SCHEDULE.beta, rtol=1e-9)


@pytest.mark.parametrize("num_steps", [0, 201])
def test_step_counts_out_of_range_are_refused(num_steps):
    with pytest.raises(UserError, match="1 to 200"):
        samplers.respace(SCHEDULE, num_steps)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 9, 200])
def test_a_perfect_denoiser_is_obeyed(name, num_steps):
    truth = jnp.linspace(-1, 1, 6 * 16).reshape(6, 4, 4, 1)
    found = sample(name, num_steps, lambda x, t: truth)
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


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_chunks_of_any_size_give_the_same_images(name):
    def denoise(x, t):
        return jnp.tanh(x)

    whole = sample(name, 20, denoise)
    np.testing.assert_allclose(sample(name, 20, denoise, chunk=7), whole, atol=1e-6)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_an_image_depends_on_its_own_key_alone(name):
    def denoise(x, t):
        return jnp.tanh(x)

    np.testing.assert_allclose(
        sample(name, 10, denoise, n=3), sample(name, 10, denoise, n=6)[:3], atol=1e-6
    )


def test_the_denoiser_gets_steps_of_the_full_schedule_noisiest_first():
    respaced, timesteps = samplers.respace(SCHEDULE, 4)
    seen = []

    def denoise(x, t):
        jax.debug.callback(lambda v: seen.append(int(v[0])), t, ordered=True)
        return x

    x = samplers.initial_noise(keys(1), (2, 2, 1))
    step = samplers.SAMPLERS["ddim"]
    jax.block_until_ready(samplers.run_steps(step, denoise, respaced, timesteps, keys(1), x, 0, 4))
    jax.effects_barrier()
    assert seen == [199, 149, 99, 49]
