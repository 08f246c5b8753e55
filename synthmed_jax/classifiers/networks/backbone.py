"""What is known of a network beside its layers, as one record."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import NamedTuple

from flax import linen as nn

from synthmed_jax.parallel import Tree

# What a network is applied with: {"params": ..., "batch_stats": ...}, trees of arrays.
Variables = dict[str, Tree]


class Smallest(NamedTuple):
    """Side in pixels of the smallest image that is not empty after the last pooling.

    Attributes:
      published: with torchvision's stem.
      small_images: with the stem for small images.
    """

    published: int
    small_images: int

    def side(self, small_images: bool) -> int:
        """The side of one of the two stems."""
        return self.small_images if small_images else self.published


@dataclasses.dataclass(frozen=True)
class Backbone:
    """One of torchvision's networks.

    Attributes:
      make: builds the module, see `networks.create`.
      head: torchvision's name of the last layer.
      published: file name of torchvision's first weights for ImageNet.
      smallest: the smallest images that the network takes.
      transforms_input: torchvision trained the published weights on images with mean 0.5 and
        deviation 0.5, not ImageNet's; the module has an option `transform_input` for that.
      left_out: beginnings of the names of torchvision's parameters that our network does without.
      older_names: (pattern, replacement), from parameter names in the published file to
        torchvision's names of today; None: they are the same.
    """

    make: Callable[..., nn.Module]
    head: str
    published: str
    smallest: Smallest
    transforms_input: bool = False
    left_out: tuple[str, ...] = ()
    older_names: tuple[str, str] | None = None

    @property
    def published_sha256(self) -> str:
        """First eight hexadecimal digits of the published file's sha256: its name ends in them."""
        return pathlib.Path(self.published).stem.rpartition("-")[2]
