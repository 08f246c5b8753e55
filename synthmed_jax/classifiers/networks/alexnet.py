"""AlexNet (Krizhevsky 2014, arXiv:1404.5997), layer for layer torchvision's."""

import jax
from flax import linen as nn

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.fully_connected import FullyConnected
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.layers.pooling import average_to, max_pool
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest

SMALLEST = Smallest(published=63, small_images=7)


class AlexNet(nn.Module):
    """Five convolutions, three of them followed by pooling, and three linear layers.

    Attributes (the others: see `networks.create`):
      small_images: the first convolution is 3x3, without stride and without pooling after it.
      dropout: rate before each hidden linear layer.
    """

    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False
    dropout: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Logits f32[B,num_classes] of images f32[B,H,W,C]; see `networks.create`."""
        check_side(x, SMALLEST.side(self.small_images), "AlexNet")

        def conv(x: jax.Array, width: int, side: int, index: int, **options: int) -> jax.Array:
            layer = self.layers.conv(
                width,
                side,
                name=f"features_{index}",
                kernel_init=initializers.uniform,
                bias_init=initializers.uniform_bias(side * side * x.shape[-1]),
                **options,
            )
            return nn.relu(layer(x))

        if self.small_images:
            x = conv(x, 64, 3, 0)
        else:
            x = max_pool(conv(x, 64, 11, 0, stride=4, padding=2), window=3, stride=2)
        x = max_pool(conv(x, 192, 5, 3), window=3, stride=2)
        x = conv(x, 384, 3, 6)
        x = conv(x, 256, 3, 8)
        x = max_pool(conv(x, 256, 3, 10), window=3, stride=2)
        head = FullyConnected(
            self.num_classes,
            self.dropout,
            dropout_first=True,
            kernel_init=initializers.uniform,
            bias_init=initializers.uniform_bias,
            layers=self.layers,
            name="classifier",
        )
        return head(average_to(x, 6), train)


ALEXNET = Backbone(
    make=AlexNet,
    head="classifier.6",
    published="alexnet-owt-7be5be79.pth",
    smallest=SMALLEST,
)
