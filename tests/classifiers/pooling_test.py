import jax
import numpy as np
import pytest
from flax import linen as nn

from synthmed_jax.classifiers.pooling import max_pool


def images(shape):
    # Rounded and cut off at zero, as after a ReLU: most windows hold ties.
    draws = np.random.default_rng(0).standard_normal(shape)
    return np.maximum(draws, 0).round(1).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding"),
    [((8, 8), 3, 2, 1), ((7, 10), 3, 2, 1), ((7, 10), 2, 2, 0), ((8, 8), 3, 2, 0)],
)
def test_values_and_gradients_are_those_of_reduce_window(size, window, stride, padding):
    x = images((2, *size, 3))

    def reference(x):
        return nn.max_pool(x, (window,) * 2, (stride,) * 2, ((padding,) * 2,) * 2)

    @jax.jit
    def both(x):
        expected, reference_vjp = jax.vjp(reference, x)
        actual, vjp = jax.vjp(lambda x: max_pool(x, window, stride, padding), x)
        cotangent = jax.random.normal(jax.random.key(1), expected.shape)
        return expected, actual, reference_vjp(cotangent)[0], vjp(cotangent)[0]

    expected, actual, reference_gradient, gradient = both(x)
    np.testing.assert_array_equal(actual, expected)
    # Overlapping windows add their parts in another order.
    np.testing.assert_allclose(gradient, reference_gradient, rtol=1e-5, atol=1e-6)


def test_a_nan_shows():
    x = images((1, 4, 4, 1))
    x[0, 1, 1, 0] = np.nan
    assert np.isnan(max_pool(x, 3, 2, 1)).all()
