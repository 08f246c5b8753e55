"""The three linear layers that end AlexNet and VGG."""

from collections.abc import Callable

import jax
from flax import linen as nn
from jax.nn.initializers import Initializer
from jax.typing import DTypeLike

from synthmed_jax.classifiers.layers.make import Layers

WIDTH = 4096


class FullyConnected(nn.Module):
    """Two hidden layers with ReLU and dropout, and a linear one.

    Attributes:
      num_classes: K.
      dropout: share of the values that are dropped.
      dropout_first: dropout comes before each hidden layer (AlexNet), not after it (VGG).
      kernel_init, bias_init: of the layers; bias_init takes the number of inputs.
      layers: its dtype is that of the hidden layers' computation, and it makes the dropout.
    """

    num_classes: int
    dropout: float
    dropout_first: bool
    kernel_init: Initializer
    bias_init: Callable[[int], Initializer]
    layers: Layers

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Logits f32[B,K] of f[B,H,W,C]; with `train`, dropout draws from the key "dropout"."""

        def linear(features: int, index: int, dtype: DTypeLike | None) -> nn.Dense:
            bias_init = self.bias_init(x.shape[-1])
            return nn.Dense(
                features, dtype=dtype, kernel_init=self.kernel_init, bias_init=bias_init,
                name=str(index),
            )  # fmt: skip

        def drop(x: jax.Array) -> jax.Array:
            return self.layers.dropout(self.dropout)(x, train)

        # torch flattens channels first.
        x = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
        # A layer's name is its index in torchvision's list, which counts ReLU and dropout too.
        for index in (1, 4) if self.dropout_first else (0, 3):
            x = drop(x) if self.dropout_first else x
            x = nn.relu(linear(WIDTH, index, self.layers.dtype)(x))
            x = x if self.dropout_first else drop(x)
        return linear(self.num_classes, 6, None)(x.astype("float32"))
