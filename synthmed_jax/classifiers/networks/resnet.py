"""ResNet (He et al. 2015, arXiv:1512.03385), layer for layer torchvision's.

Modules carry torchvision's names ("layer1_0" is its "layer1.0"), so that its weights find their
places. The stride is in the 3x3 convolution, as torchvision has it.
"""

import functools
from typing import ClassVar

import jax
from flax import linen as nn

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.layers.pooling import max_pool
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest

STAGE_WIDTHS = (64, 128, 256, 512)
SMALLEST = Smallest(published=32, small_images=8)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (the paper's figure 5, left).

    Attributes:
      width: channels of the stage; the block's output has `width * expansion`.
      stride: of the first convolution.
      layers: makes the layers.
    """

    width: int
    stride: int
    layers: Layers

    expansion: ClassVar[int] = 1

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H/stride,W/stride,width] of f[B,H,W,C]."""
        conv, norm = self.layers.conv, self.layers.norm
        y = conv(self.width, 3, self.stride, name="conv1")(x)
        y = nn.relu(norm("bn1")(y, train))
        y = conv(self.width, 3, name="conv2")(y)
        y = norm("bn2")(y, train)
        return nn.relu(_shortcut(self.layers, x, y, self.stride, train) + y)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions around a shortcut (the paper's figure 5, right).

    Attributes: as BasicBlock's; the stride is the 3x3 convolution's.
    """

    width: int
    stride: int
    layers: Layers

    expansion: ClassVar[int] = 4

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H/stride,W/stride,4*width] of f[B,H,W,C]."""
        conv, norm = self.layers.conv, self.layers.norm
        y = conv(self.width, 1, name="conv1")(x)
        y = nn.relu(norm("bn1")(y, train))
        y = conv(self.width, 3, self.stride, name="conv2")(y)
        y = nn.relu(norm("bn2")(y, train))
        y = conv(self.width * self.expansion, 1, name="conv3")(y)
        y = norm("bn3")(y, train)
        return nn.relu(_shortcut(self.layers, x, y, self.stride, train) + y)


def _shortcut(layers: Layers, x: jax.Array, y: jax.Array, stride: int, train: bool) -> jax.Array:
    """x, projected where it has another shape than y."""
    if x.shape == y.shape:
        return x
    x = layers.conv(y.shape[-1], 1, stride, name="downsample_0")(x)
    return layers.norm("downsample_1")(x, train)


class ResNet(nn.Module):
    """A residual network: stem, four stages, global average, linear head.

    Attributes (the others: see `networks.create`):
      block: the block's class.
      depths: blocks in each of the four stages.
      small_images: the stem is one 3x3 convolution, without stride or pooling.
    """

    block: type[BasicBlock] | type[Bottleneck]
    depths: tuple[int, int, int, int]
    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Logits f32[B,num_classes] of images f32[B,H,W,C]; see `networks.create`."""
        check_side(x, SMALLEST.side(self.small_images), "ResNet")
        side, stride = (3, 1) if self.small_images else (7, 2)
        x = self.layers.conv(64, side, stride, name="conv1")(x)
        x = nn.relu(self.layers.norm("bn1")(x, train))
        if not self.small_images:
            x = max_pool(x, window=3, stride=2, padding=1)
        for stage, (width, depth) in enumerate(zip(STAGE_WIDTHS, self.depths, strict=True), 1):
            for i in range(depth):
                stride = 2 if stage > 1 and i == 0 else 1
                x = self.block(width, stride, self.layers, name=f"layer{stage}_{i}")(x, train)
        x = x.mean((1, 2)).astype("float32")
        head = nn.Dense(
            self.num_classes,
            kernel_init=initializers.uniform,
            bias_init=initializers.uniform_bias(x.shape[-1]),
            name="fc",
        )
        return head(x)


RESNET18 = Backbone(
    make=functools.partial(ResNet, BasicBlock, (2, 2, 2, 2)),
    head="fc",
    published="resnet18-f37072fd.pth",
    smallest=SMALLEST,
)
RESNET50 = Backbone(
    make=functools.partial(ResNet, Bottleneck, (3, 4, 6, 3)),
    head="fc",
    published="resnet50-0676ba61.pth",
    smallest=SMALLEST,
)
