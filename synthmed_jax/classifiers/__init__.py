"""Image classifiers by name, each exactly torchvision's network of that name."""

from collections.abc import Callable
from typing import Any

from flax import linen as nn

from synthmed_jax import checks
from synthmed_jax.classifiers.resnet import resnet18

BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "resnet18": resnet18,
}


def create(name: str, num_classes: int, **options: Any) -> nn.Module:
    """Returns the Linen module of one backbone, without weights.

    The module's `init(key, images, train=False)` makes the collections "params" and "batch_stats";
    `apply(variables, images, train=...)` takes f32[B,H,W,C] images and returns f32[B,num_classes].

    Args:
      name: a key of `BACKBONES`.
      num_classes: outputs of the head, at least 1.
      **options: fields of the module, for example `axis_name` (the pmap axis over which batch
        statistics are taken), `dtype` (of the computation) or `conv_general_dilated`.

    Raises:
      UserError: the name is unknown.
    """
    checks.one_of("classifier", name, BACKBONES)
    return BACKBONES[name](num_classes=num_classes, **options)
