"""ResNet (He et al. 2015, arXiv:1512.03385), layer for layer torchvision's.

Modules carry torchvision's names ("layer1_0" is its "layer1.0"), so that its weights find their
places. The stride is in the 3x3 convolution, as torchvision has it.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
from flax import linen as nn

from synthmed_jax.classifiers import initializers
from synthmed_jax.classifiers.batch_norm import BatchNorm
from synthmed_jax.classifiers.pooling import max_pool

ModuleDef = Callable[..., Any]

STAGE_WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (the paper's figure 5, left).

    Attributes:
      width: channels of the stage; the block's output has `width * expansion`.
      stride: of the first convolution.
      conv: makes a convolution from (features, kernel side, stride, name=...).
      norm: makes a normalisation from (name=...).
    """

    width: int
    stride: int
    conv: ModuleDef
    norm: ModuleDef

    expansion = 1

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns f[B,H/stride,W/stride,width] of f[B,H,W,C]."""
        y = self.conv(self.width, 3, self.stride, name="conv1")(x)
        y = nn.relu(self.norm(name="bn1")(y, train))
        y = self.conv(self.width, 3, 1, name="conv2")(y)
        y = self.norm(name="bn2")(y, train)
        if x.shape != y.shape:
            x = self.conv(self.width * self.expansion, 1, self.stride, name="downsample_0")(x)
            x = self.norm(name="downsample_1")(x, train)
        return nn.relu(x + y)


class ResNet(nn.Module):
    """A residual network: 7x7 stem, four stages, global average, linear head.

    Attributes:
      block: the block's class.
      depths: blocks in each of the four stages.
      num_classes: outputs of the head.
      axis_name: the pmap axis of the global batch, for BatchNorm; None on one device.
      dtype: of the computation; None: the input's. Parameters and logits are float32.
      conv_general_dilated: replaces `lax.conv_general_dilated` in every convolution; None keeps it.
    """

    block: ModuleDef
    depths: tuple[int, int, int, int]
    num_classes: int
    axis_name: str | None = None
    dtype: Any = None
    conv_general_dilated: Callable[..., jax.Array] | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns logits f32[B,num_classes] of images f32[B,H,W,C].

        Args:
          x: the images.
          train: normalise by the batch's statistics and update the running ones.
        """

        def conv(features: int, side: int, stride: int, name: str) -> nn.Conv:
            # torch pads both sides alike; XLA's "SAME" pads a stride of 2 on the far side only.
            return nn.Conv(
                features,
                (side, side),
                (stride, stride),
                padding=side // 2,
                use_bias=False,
                dtype=self.dtype,
                kernel_init=initializers.conv_kernel,
                conv_general_dilated=self.conv_general_dilated,
                name=name,
            )

        norm = functools.partial(BatchNorm, axis_name=self.axis_name, dtype=self.dtype)

        x = conv(64, 7, 2, name="conv1")(x)
        x = nn.relu(norm(name="bn1")(x, train))
        x = max_pool(x, window=3, stride=2, padding=1)
        for stage, (width, depth) in enumerate(zip(STAGE_WIDTHS, self.depths, strict=True), 1):
            for i in range(depth):
                stride = 2 if stage > 1 and i == 0 else 1
                x = self.block(width, stride, conv, norm, name=f"layer{stage}_{i}")(x, train)
        x = x.mean((1, 2)).astype("float32")
        head = nn.Dense(
            self.num_classes,
            kernel_init=initializers.linear_kernel,
            bias_init=initializers.linear_bias(x.shape[-1]),
            name="fc",
        )
        return head(x)


resnet18 = functools.partial(ResNet, BasicBlock, (2, 2, 2, 2))
