import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.classifiers.layers.dropout import Dropout


def drop(x, key, axis_name=None, rate=0.3):
    return Dropout(rate, axis_name).apply({}, x, train=True, rngs={"dropout": key})


def test_the_mean_is_kept_and_the_rate_is_met():
    y = drop(jnp.ones((100, 1000)), jax.random.key(0))
    assert abs((y == 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / y.size)
    np.testing.assert_allclose(y[y > 0], 1 / 0.7, rtol=1e-6)


def test_two_devices_drop_what_one_does():
    x, key = jnp.ones((8, 50)), jax.random.key(1)
    spread = jax.pmap(lambda x: drop(x, key, "devices"), axis_name="devices")(x.reshape(2, 4, 50))
    np.testing.assert_array_equal(spread.reshape(8, 50), drop(x, key))


def test_uneven_shares_drop_what_the_whole_batch_does():
    x, key = np.ones((7, 50), np.float32), jax.random.key(1)

    def step(state, batch):
        return state, parallel.gather(drop(batch, key, parallel.AXIS))

    _, spread = parallel.train_step(step)(jnp.zeros(()), x)
    np.testing.assert_array_equal(spread, drop(x, key))


def test_nothing_is_dropped_outside_training_or_at_rate_0():
    x = jnp.ones((4, 5))
    np.testing.assert_array_equal(Dropout(0.9).apply({}, x, train=False), x)
    np.testing.assert_array_equal(Dropout(0.0).apply({}, x, train=True), x)
