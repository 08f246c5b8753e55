"""Makes the layers of torchvision's networks, with the options that all of them share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
from flax import linen as nn
from jax.nn.initializers import Initializer
from jax.typing import DTypeLike

from synthmed_jax.classifiers.layers import initializers
from synthmed_jax.classifiers.layers.batch_norm import BatchNorm
from synthmed_jax.classifiers.layers.dropout import Dropout
from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Layers:
    """Makes the layers of a network; each is called in the scope of the module that it joins.

    Attributes:
      axis_name: the pmap axis of the global batch; None on one device.
      dtype: of the computation; None: the input's. Parameters and logits are float32.
      conv_general_dilated: takes the place of `lax.conv_general_dilated` in every convolution;
        None: nothing does.
    """

    axis_name: str | None = None
    dtype: DTypeLike | None = None
    conv_general_dilated: Callable[..., jax.Array] | None = None

    def conv(
        self,
        features: int,
        side: int,
        stride: int = 1,
        *,
        name: str,
        padding: int | None = None,
        groups: int = 1,
        bias_init: Initializer | None = None,
        kernel_init: Initializer = initializers.fan_out,
    ) -> nn.Conv:
        """A convolution with a square kernel.

        Args:
          features: channels of the result.
          side: of the kernel, pixels.
          stride: in pixels, in both directions.
          name: of the module.
          padding: pixels of zero on each of the four sides; None: side // 2.
          groups: of channels that are convolved apart from each other.
          bias_init: of the bias; None: there is none.
          kernel_init: of the kernel.
        """
        # As torch, which pads both sides alike; XLA's "SAME" can pad the far side alone.
        return nn.Conv(
            features,
            (side, side),
            (stride, stride),
            padding=side // 2 if padding is None else padding,
            feature_group_count=groups,
            use_bias=bias_init is not None,
            dtype=self.dtype,
            kernel_init=kernel_init,
            bias_init=bias_init or nn.initializers.zeros,
            conv_general_dilated=self.conv_general_dilated,
            name=name,
        )

    def norm(self, name: str, epsilon: float = 1e-5) -> BatchNorm:
        """Batch normalisation over the global batch; `epsilon` is added to the variance."""
        return BatchNorm(self.axis_name, epsilon=epsilon, dtype=self.dtype, name=name)

    def dropout(self, rate: float) -> Dropout:
        """Dropout over the global batch of a share `rate` of the values."""
        return Dropout(rate, self.axis_name)


def check_side(x: jax.Array, smallest: int, network: str) -> None:
    """Raises UserError for images f32[B,H,W,C] too small for a network."""
    side = min(x.shape[1:3])
    if side < smallest:
        raise UserError(
            f"{network} needs images of at least {smallest} pixels a side, not {side}: "
            "raise config.classifier.image_size"
        )
