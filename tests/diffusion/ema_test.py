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
