import math

import jax
import numpy as np
import pytest
from flax import linen as nn

from synthmed_jax.classifiers.layers.pooling import average_to, halve, max_pool


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
        cotangent = np.random.default_rng(1).standard_normal(expected.shape, np.float32)
        return expected, actual, reference_vjp(cotangent)[0], vjp(cotangent)[0]

    expected, actual, reference_gradient, gradient = both(x)
    np.testing.assert_array_equal(actual, expected)
    # Overlapping windows add their parts in another order.
    np.testing.assert_allclose(gradient, reference_gradient, rtol=1e-5, atol=1e-6)


def test_a_nan_shows():
    x = images((1, 4, 4, 1))
    x[0, 1, 1, 0] = np.nan
    assert np.isnan(jax.jit(lambda x: max_pool(x, 3, 2, 1))(x)).all()


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding", "expected"),
    # torch.nn.MaxPool2d(window, stride, padding, ceil_mode=True)'s sizes: the last window counts
    # unless it would begin behind the image.
    [(32, 3, 2, 0, 16), (7, 3, 2, 0, 3), (8, 3, 2, 0, 4), (5, 2, 2, 0, 3), (7, 3, 1, 1, 7),
     (4, 2, 3, 1, 2)],
)  # fmt: skip
def test_ceil_mode_keeps_what_is_left_over(size, window, stride, padding, expected):
    x = images((2, size, size, 3))
    pooled = np.asarray(jax.jit(lambda x: max_pool(x, window, stride, padding, ceil=True))(x))
    assert pooled.shape == (2, expected, expected, 3)
    for row in range(expected):
        first = row * stride - padding
        rows = x[:, max(first, 0) : first + window]
        for column in range(expected):
            start = column * stride - padding
            of_window = rows[:, :, max(start, 0) : start + window]
            np.testing.assert_array_equal(pooled[:, row, column], of_window.max((1, 2)))


def test_halve_leaves_out_an_odd_line():
    x = images((2, 5, 4, 3))
    expected = (x[:, 0:4:2, ::2] + x[:, 1:4:2, ::2] + x[:, 0:4:2, 1::2] + x[:, 1:4:2, 1::2]) / 4
    np.testing.assert_allclose(halve(x), expected, rtol=1e-6)


@pytest.mark.parametrize("size", [2, 7, 10, 14])
def test_average_to_covers_the_image_as_torch_does(size):
    x = images((2, size, size, 3))
    found = np.asarray(jax.jit(lambda x: average_to(x, 7))(x))
    for i in range(7):
        for j in range(7):
            rows, columns = (slice(k * size // 7, math.ceil((k + 1) * size / 7)) for k in (i, j))
            expected = x[:, rows, columns].mean((1, 2))
            np.testing.assert_allclose(found[:, i, j], expected, rtol=1e-5, atol=1e-6)
