"""VGG without batch normalisation (Simonyan & Zisserman 2014, arXiv:1409.1556), torchvision's."""

import functools

import jax
from flax import linen as nn

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.fully_connected import FullyConnected
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.layers.pooling import average_to, max_pool

STAGE_WIDTHS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Five stages of 3x3 convolutions, each halved, and three linear layers.

    Attributes:
      depths: convolutions in each stage.
      num_classes: outputs of the head.
      layers: makes the layers.
      small_images: the first stage is not halved.
      dropout: rate after each hidden linear layer.
    """

    depths: tuple[int, int, int, int, int]
    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False
    dropout: float = 0.5

    @property
    def smallest(self) -> int:
        """Side of the smallest image, pixels."""
        return 16 if self.small_images else 32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns logits f32[B,num_classes] of images f32[B,H,W,C].

        Args:
          x: the images.
          train: drop out, with the key "dropout".

        Raises:
          UserError: images smaller than `smallest`.
        """
        check_side(x, self.smallest, "VGG")
        index = 0  # in torchvision's list of layers, which counts ReLU and pooling too
        for stage, (width, depth) in enumerate(zip(STAGE_WIDTHS, self.depths, strict=True)):
            for _ in range(depth):
                conv = self.layers.conv(
                    width, 3, name=f"features_{index}", bias_init=initializers.zeros
                )
                x = nn.relu(conv(x))
                index += 2
            if stage or not self.small_images:
                x = max_pool(x, window=2, stride=2)
            index += 1
        x = average_to(x, 7)
        head = FullyConnected(
            self.num_classes,
            self.dropout,
            dropout_first=False,
            kernel_init=initializers.normal(0.01),
            bias_init=lambda fan_in: initializers.zeros,
            layers=self.layers,
            name="classifier",
        )
        return head(x, train)


vgg16 = functools.partial(VGG, (2, 2, 3, 3, 3))
vgg19 = functools.partial(VGG, (2, 2, 4, 4, 4))
