import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.diffusion import ema


def test_the_decay_is_warmed_up():
    half_life = np.log(0.5) / np.log(0.999)
    decays = [float(ema.decay_at(jnp.asarray(n), half_life)) for n in (0, 10, 1000, 10**6)]
    np.testing.assert_allclose(decays, [0.1, 11 / 20, 1001 / 1010, 0.999], rtol=1e-6)


def test_after_a_half_life_half_of_a_weight_is_left():
    average = {"w": jnp.array(1.0)}
    for n in range(10_000, 10_030):
        average = ema.update(average, {"w": jnp.array(0.0)}, jnp.asarray(n), 30)
    assert float(average["w"]) == pytest.approx(0.5, rel=1e-4)


def test_the_initial_weights_are_forgotten_early():
    average = {"w": jnp.array(1.0)}
    for n in range(100):
        average = ema.update(average, {"w": jnp.array(0.0)}, jnp.asarray(n), 10_000)
    assert float(average["w"]) < 1e-6


@pytest.mark.parametrize(("half_life", "steps"), [(500, 20_000), (7000, 50_000)])
def test_a_long_run_s_average_is_the_directly_weighted_sum(half_life, steps):
    # Weights that drift by 1 and shake by 0.1, as those of a network do.
    rng = np.random.default_rng(0)
    w = np.linspace(0, 1, steps + 1)[:, None] + rng.normal(0, 0.1, (steps + 1, 3))
    w = w.astype(np.float32)

    @jax.jit
    def average(w):
        def step(average, n):
            return ema.update(average, w[n + 1], n, half_life), None

        return jax.lax.scan(step, w[0], jnp.arange(steps))[0]

    n = np.arange(steps)
    decay = np.minimum(0.5 ** (1 / half_life), (1 + n) / (10 + n))
    # A step's share is what it had when it came in, times all decays after it.
    later = np.append(np.cumprod(decay[::-1])[::-1], 1.0)
    shares = np.append(1.0, 1 - decay) * later
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(average(w), shares @ w.astype(np.float64), atol=2e-4)
