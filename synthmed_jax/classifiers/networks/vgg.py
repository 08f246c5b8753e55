"""VGG without batch normalisation (Simonyan & Zisserman 2014, arXiv:1409.1556), torchvision's."""

import functools

import jax
from flax import linen as nn

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.fully_connected import FullyConnected
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.layers.pooling import average_to, max_pool
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest

STAGE_WIDTHS = (64, 128, 256, 512, 512)
SMALLEST = Smallest(published=32, small_images=16)


class VGG(nn.Module):
    """Five stages of 3x3 convolutions, each followed by pooling, and three linear layers.

    Attributes (the others: see `networks.create`):
      depths: convolutions in each stage.
      small_images: no pooling follows the first stage.
      dropout: rate after each hidden linear layer.
    """

    depths: tuple[int, int, int, int, int]
    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False
    dropout: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Logits f32[B,num_classes] of images f32[B,H,W,C]; see `networks.create`."""
        check_side(x, SMALLEST.side(self.small_images), "VGG")
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


VGG16 = Backbone(
    make=functools.partial(VGG, (2, 2, 3, 3, 3)),
    head="classifier.6",
    published="vgg16-397923af.pth",
    smallest=SMALLEST,
)
VGG19 = Backbone(
    make=functools.partial(VGG, (2, 2, 4, 4, 4)),
    head="classifier.6",
    published="vgg19-dcbb9e9d.pth",
    smallest=SMALLEST,
)
