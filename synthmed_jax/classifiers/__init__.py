"""Image classifiers by name, each exactly torchvision's network of that name.

The networks are imported when they are first asked for, so that settings load without them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from flax import linen as nn


def create(name: str, num_classes: int, **options: Any) -> nn.Module:
    """Returns the Linen module of one backbone, without weights; see `networks.create`."""
    from synthmed_jax.classifiers import networks

    return networks.create(name, num_classes, **options)


def from_state_dict(
    name: str, state_dict: Mapping[str, np.ndarray], num_classes: int | None, **options: Any
) -> dict[str, Any]:
    """Returns Flax variables of a torchvision state dict; see `weights.torchvision`."""
    from synthmed_jax.classifiers.weights import torchvision

    return torchvision.from_state_dict(name, state_dict, num_classes, **options)
