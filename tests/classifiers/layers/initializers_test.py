import jax
import numpy as np

from synthmed_jax.classifiers.layers import initializers


def test_convolutions_have_the_deviation_of_their_fan_out():
    kernel = initializers.fan_out(jax.random.key(0), (3, 3, 32, 64), np.float32)
    assert abs(np.std(kernel) / np.sqrt(2 / (3 * 3 * 64)) - 1) < 0.02


def test_linear_layers_are_uniform_within_the_root_of_their_fan_in():
    kernel = initializers.uniform(jax.random.key(0), (100, 500), np.float32)
    bias = initializers.uniform_bias(100)(jax.random.key(1), (5000,), np.float32)
    for draws in (kernel, bias):
        assert 0.099 < np.max(np.abs(draws)) <= 0.1
        assert abs(np.std(draws) - 0.1 / np.sqrt(3)) < 0.002
