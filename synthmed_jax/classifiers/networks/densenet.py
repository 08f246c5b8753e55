"""DenseNet (Huang et al. 2016, arXiv:1608.06993), layer for layer torchvision's."""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.layers.pooling import halve, max_pool
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest

GROWTH, BOTTLENECK, STEM_WIDTH = 32, 4, 64
SMALLEST = Smallest(published=29, small_images=8)


class DenseLayer(nn.Module):
    """What one layer adds: a 1x1 and a 3x3 convolution, each after BatchNorm and ReLU."""

    layers: Layers

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns the new f[B,H,W,GROWTH] of f[B,H,W,C]."""
        conv = functools.partial(self.layers.conv, kernel_init=initializers.fan_in)
        y = nn.relu(self.layers.norm("norm1")(x, train))
        y = conv(BOTTLENECK * GROWTH, 1, name="conv1")(y)
        y = nn.relu(self.layers.norm("norm2")(y, train))
        return conv(GROWTH, 3, name="conv2")(y)


class DenseBlock(nn.Module):
    """Layers each of which sees what all before it added."""

    depth: int
    layers: Layers

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H,W,C + depth*GROWTH] of f[B,H,W,C]."""
        for i in range(1, self.depth + 1):
            new = DenseLayer(self.layers, name=f"denselayer{i}")(x, train)
            x = jnp.concatenate([x, new], -1)
        return x


class Transition(nn.Module):
    """Halves channels, by a 1x1 convolution, and sides."""

    layers: Layers

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H//2,W//2,C//2] of f[B,H,W,C]."""
        x = nn.relu(self.layers.norm("norm")(x, train))
        conv = self.layers.conv(x.shape[-1] // 2, 1, name="conv", kernel_init=initializers.fan_in)
        return halve(conv(x))


class DenseNet(nn.Module):
    """Stem, four dense blocks with transitions between them, global average, linear head.

    Attributes (the others: see `networks.create`):
      depths: layers in each of the four blocks.
      small_images: the stem is one 3x3 convolution, without stride or pooling.
    """

    depths: tuple[int, int, int, int]
    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Logits f32[B,num_classes] of images f32[B,H,W,C]; see `networks.create`."""
        check_side(x, SMALLEST.side(self.small_images), "DenseNet")
        side, stride = (3, 1) if self.small_images else (7, 2)
        x = self.layers.conv(
            STEM_WIDTH, side, stride, name="features_conv0", kernel_init=initializers.fan_in
        )(x)
        x = nn.relu(self.layers.norm("features_norm0")(x, train))
        if not self.small_images:
            x = max_pool(x, window=3, stride=2, padding=1)
        for i, depth in enumerate(self.depths, 1):
            x = DenseBlock(depth, self.layers, name=f"features_denseblock{i}")(x, train)
            if i < len(self.depths):
                x = Transition(self.layers, name=f"features_transition{i}")(x, train)
        x = nn.relu(self.layers.norm("features_norm5")(x, train))
        head = nn.Dense(self.num_classes, kernel_init=initializers.uniform, name="classifier")
        return head(x.mean((1, 2)).astype("float32"))


DENSENET121 = Backbone(
    make=functools.partial(DenseNet, (6, 12, 24, 16)),
    head="classifier",
    published="densenet121-a639ec97.pth",
    smallest=SMALLEST,
    # The file is older than the names: "denselayer1.norm.1" is now "denselayer1.norm1".
    older_names=(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2."),
)
