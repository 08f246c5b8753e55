"""DenseNet (Huang et al. 2016, arXiv:1608.06993), layer for layer torchvision's."""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.layers.pooling import halve, max_pool

GROWTH, BOTTLENECK, STEM_WIDTH = 32, 4, 64


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

    Attributes:
      depths: layers in each of the four blocks.
      num_classes: outputs of the head.
      layers: makes the layers.
      small_images: a stem of one 3x3 convolution that keeps every pixel, for images of 32 or so.
    """

    depths: tuple[int, int, int, int]
    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False

    @property
    def smallest(self) -> int:
        """Side of the smallest image, pixels: less leaves nothing after the last transition."""
        return 8 if self.small_images else 29

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns logits f32[B,num_classes] of images f32[B,H,W,C].

        Args:
          x: the images.
          train: normalise by the batch's statistics and update the running ones.

        Raises:
          UserError: images smaller than `smallest`.
        """
        check_side(x, self.smallest, "DenseNet")
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


densenet121 = functools.partial(DenseNet, (6, 12, 24, 16))
