"""GoogLeNet with batch normalisation (Szegedy et al. 2014, arXiv:1409.4842), torchvision's.

Without the auxiliary heads, which are used only to train on ImageNet from random weights. The third
branch has a 3x3 convolution, as torchvision's has; the paper's is 5x5.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from synthmed_jax.classifiers.inputs import IMAGENET_MEAN, IMAGENET_STD
from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.layers.pooling import max_pool
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest

# Table 1: 1x1; 3x3 with the reduction before it; 5x5, likewise; the projection after pooling.
INCEPTIONS = {
    "inception3a": (64, (96, 128), (16, 32), 32),
    "inception3b": (128, (128, 192), (32, 96), 64),
    "inception4a": (192, (96, 208), (16, 48), 64),
    "inception4b": (160, (112, 224), (24, 64), 64),
    "inception4c": (128, (128, 256), (24, 64), 64),
    "inception4d": (112, (144, 288), (32, 64), 64),
    "inception4e": (256, (160, 320), (32, 128), 128),
    "inception5a": (256, (160, 320), (32, 128), 128),
    "inception5b": (384, (192, 384), (48, 128), 128),
}
# Side and stride of the max pooling before a module.
POOLED_BEFORE = {"inception4a": (3, 2), "inception5a": (2, 2)}
SMALLEST = Smallest(published=32, small_images=8)
weights_init = initializers.truncated_normal(0.01)


class Convolution(nn.Module):
    """A convolution, BatchNorm and ReLU."""

    width: int
    side: int
    stride: int
    layers: Layers

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H/stride,W/stride,width] of f[B,H,W,C]."""
        x = self.layers.conv(
            self.width, self.side, self.stride, name="conv", kernel_init=weights_init
        )(x)
        return nn.relu(self.layers.norm("bn", epsilon=1e-3)(x, train))


class Inception(nn.Module):
    """Four branches side by side (the paper's figure 2b).

    Attributes:
      widths: a row of INCEPTIONS.
      layers: makes the layers.
    """

    widths: tuple[int, tuple[int, int], tuple[int, int], int]
    layers: Layers

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H,W,sum of widths] of f[B,H,W,C]."""

        def conv(x: jax.Array, width: int, side: int, name: str) -> jax.Array:
            return Convolution(width, side, 1, self.layers, name=name)(x, train)

        alone, (before_second, second), (before_third, third), pooled = self.widths
        branches = [
            conv(x, alone, 1, "branch1"),
            conv(conv(x, before_second, 1, "branch2_0"), second, 3, "branch2_1"),
            conv(conv(x, before_third, 1, "branch3_0"), third, 3, "branch3_1"),
            conv(max_pool(x, window=3, stride=1, padding=1), pooled, 1, "branch4_1"),
        ]
        return jnp.concatenate(branches, -1)


class GoogLeNet(nn.Module):
    """Stem, nine inception modules, global average, dropout, linear head.

    Attributes (the others: see `networks.create`):
      small_images: the first convolution is 3x3; the stem has neither stride nor pooling.
      dropout: rate before the head.
      transform_input: takes images that were normalised by ImageNet's mean and deviation, as all
        networks here get them, to mean 0.5 and deviation 0.5, with which torchvision's weights
        were trained.
    """

    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False
    dropout: float = 0.2
    transform_input: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Logits f32[B,num_classes] of images f32[B,H,W,C]; see `networks.create`."""
        check_side(x, SMALLEST.side(self.small_images), "GoogLeNet")
        if self.transform_input:
            x = (x * IMAGENET_STD.reshape(1, 1, 1, 3) + IMAGENET_MEAN.reshape(1, 1, 1, 3)) * 2 - 1
        pool = functools.partial(max_pool, ceil=True)
        side, stride = (3, 1) if self.small_images else (7, 2)
        x = Convolution(64, side, stride, self.layers, name="conv1")(x, train)
        if not self.small_images:
            x = pool(x, window=3, stride=2)
        x = Convolution(64, 1, 1, self.layers, name="conv2")(x, train)
        x = Convolution(192, 3, 1, self.layers, name="conv3")(x, train)
        if not self.small_images:
            x = pool(x, window=3, stride=2)
        for name, widths in INCEPTIONS.items():
            if name in POOLED_BEFORE:
                window, stride = POOLED_BEFORE[name]
                x = pool(x, window=window, stride=stride)
            x = Inception(widths, self.layers, name=name)(x, train)
        x = x.mean((1, 2)).astype("float32")
        x = self.layers.dropout(self.dropout)(x, train)
        return nn.Dense(
            self.num_classes,
            kernel_init=weights_init,
            bias_init=initializers.uniform_bias(x.shape[-1]),
            name="fc",
        )(x)


GOOGLENET = Backbone(
    make=GoogLeNet,
    head="fc",
    published="googlenet-1378be20.pth",
    smallest=SMALLEST,
    transforms_input=True,
    # The auxiliary heads.
    left_out=("aux1.", "aux2."),
)
