"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), layer for layer torchvision's."""

import jax
from flax import linen as nn

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.make import Layers, check_side
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest

# The paper's table 2: expansion, channels, blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM_WIDTH, LAST_WIDTH = 32, 1280
SMALLEST = Smallest(published=32, small_images=8)


class InvertedResidual(nn.Module):
    """Widens, convolves each channel by itself, and narrows without a ReLU (figure 3b).

    Attributes:
      expansion: of the channels; 1: not widened.
      width: channels of the output.
      stride: of the depthwise convolution.
      layers: makes the layers.
    """

    expansion: int
    width: int
    stride: int
    layers: Layers

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H/stride,W/stride,width] of f[B,H,W,C]."""
        conv, norm = self.layers.conv, self.layers.norm
        wide = x.shape[-1] * self.expansion
        y, index = x, 0
        if self.expansion > 1:
            y = conv(wide, 1, name="conv_0_0")(y)
            y = nn.relu6(norm("conv_0_1")(y, train))
            index = 1
        y = conv(wide, 3, self.stride, name=f"conv_{index}_0", groups=wide)(y)
        y = nn.relu6(norm(f"conv_{index}_1")(y, train))
        y = conv(self.width, 1, name=f"conv_{index + 1}")(y)
        y = norm(f"conv_{index + 2}")(y, train)
        return x + y if x.shape == y.shape and self.stride == 1 else y


class MobileNetV2(nn.Module):
    """Stem, inverted residuals, a 1x1 convolution, global average, dropout, linear head.

    Attributes (the others: see `networks.create`):
      small_images: the stem and the first stage that would halve the image's sides keep them.
      dropout: rate before the head.
    """

    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False
    dropout: float = 0.2

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Logits f32[B,num_classes] of images f32[B,H,W,C]; see `networks.create`."""
        check_side(x, SMALLEST.side(self.small_images), "MobileNetV2")
        conv, norm = self.layers.conv, self.layers.norm
        x = conv(STEM_WIDTH, 3, 1 if self.small_images else 2, name="features_0_0")(x)
        x = nn.relu6(norm("features_0_1")(x, train))
        index = 1
        for stage, (expansion, width, depth, first_stride) in enumerate(STAGES):
            for i in range(depth):
                keeps = i > 0 or (self.small_images and stage == 1)
                stride = 1 if keeps else first_stride
                block = InvertedResidual(
                    expansion, width, stride, self.layers, name=f"features_{index}"
                )
                x = block(x, train)
                index += 1
        x = conv(LAST_WIDTH, 1, name=f"features_{index}_0")(x)
        x = nn.relu6(norm(f"features_{index}_1")(x, train))
        x = x.mean((1, 2)).astype("float32")
        x = self.layers.dropout(self.dropout)(x, train)
        return nn.Dense(
            self.num_classes, kernel_init=initializers.normal(0.01), name="classifier_1"
        )(x)


MOBILENET_V2 = Backbone(
    make=MobileNetV2,
    head="classifier.1",
    published="mobilenet_v2-b0353104.pth",
    smallest=SMALLEST,
)
