import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.errors import UserError


class Convolution(nn.Module):
    layers: Layers
    options: dict

    @nn.compact
    def __call__(self, x):
        return self.layers.conv(6, name="conv", **self.options)(x)


def convolve(x, layers=Layers(), **options):  # noqa: B008 - a frozen dataclass
    return Convolution(layers, options).init_with_output(jax.random.key(0), x)


@pytest.mark.parametrize(("side", "stride"), [(1, 1), (3, 1), (3, 2), (7, 2), (1, 2)])
def test_a_convolution_pads_both_sides_alike(side, stride):
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    y, variables = convolve(x, side=side, stride=stride)
    assert set(variables["params"]["conv"]) == {"kernel"}  # no bias
    pad = side // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    kernel = np.asarray(variables["params"]["conv"]["kernel"])
    corner = np.einsum("bhwc,hwcd->bd", padded[:, :side, :side], kernel)
    np.testing.assert_allclose(y[:, 0, 0], corner, atol=1e-5)
    assert y.shape[1:3] == ((8 + 2 * pad - side) // stride + 1,) * 2


def test_options_reach_the_convolution():
    calls = []

    def noted(lhs, rhs, *args, **kwargs):
        calls.append((lhs.dtype, rhs.shape))
        return jax.lax.conv_general_dilated(lhs, rhs, *args, **kwargs)

    layers = Layers(dtype=jnp.bfloat16, conv_general_dilated=noted)
    bias_init = nn.initializers.constant(2.0)
    y, variables = convolve(
        jnp.zeros((1, 4, 4, 6)), layers, side=3, padding=0, groups=6, bias_init=bias_init
    )
    assert calls[-1] == (jnp.bfloat16, (3, 3, 1, 6))
    assert y.shape == (1, 2, 2, 6)
    np.testing.assert_array_equal(y, 2)
    assert variables["params"]["conv"]["bias"].dtype == jnp.float32


def test_norm_and_dropout_are_over_the_global_batch():
    layers = Layers("devices", jnp.bfloat16)
    norm, dropout = layers.norm("bn", epsilon=1e-3), layers.dropout(0.4)
    assert (norm.axis_name, norm.epsilon, norm.dtype) == ("devices", 1e-3, jnp.bfloat16)
    assert (dropout.axis_name, dropout.rate) == ("devices", 0.4)


def test_the_shorter_side_of_an_image_counts():
    check_side(np.zeros((1, 32, 40, 3)), 32, "Net")
    with pytest.raises(UserError, match="Net needs images of at least 32 pixels a side, not 31"):
        check_side(np.zeros((1, 40, 31, 3)), 32, "Net")
