"""Image classifiers by name, each exactly torchvision's network of that name.

The networks are imported when they are first asked for: a module that wants only
`classifiers.settings` does not wait for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from flax import linen as nn

    from synthmed_jax.classifiers.layers.make import Layers
    from synthmed_jax.classifiers.networks.backbone import Variables


def create(name: str, num_classes: int, **options: Layers | bool | float) -> nn.Module:
    """Returns the Linen module of one backbone, without weights; see `networks.create`."""
    from synthmed_jax.classifiers import networks

    return networks.create(name, num_classes, **options)


def from_state_dict(
    name: str,
    state_dict: Mapping[str, np.ndarray],
    num_classes: int | None,
    *,
    small_images: bool = False,
) -> Variables:
    """Returns Flax variables of a torchvision state dict; see `weights.torchvision`."""
    from synthmed_jax.classifiers.weights import torchvision

    return torchvision.from_state_dict(name, state_dict, num_classes, small_images=small_images)
