"""The eight networks by name, each exactly torchvision's network of that name."""

from collections.abc import Callable
from typing import Any

from flax import linen as nn

from synthmed_jax import checks
from synthmed_jax.classifiers.networks.alexnet import AlexNet
from synthmed_jax.classifiers.networks.densenet import densenet121
from synthmed_jax.classifiers.networks.googlenet import GoogLeNet
from synthmed_jax.classifiers.networks.mobilenet_v2 import MobileNetV2
from synthmed_jax.classifiers.networks.resnet import resnet18, resnet50
from synthmed_jax.classifiers.networks.vgg import vgg16, vgg19

BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "resnet18": resnet18,
    "resnet50": resnet50,
    "vgg16": vgg16,
    "vgg19": vgg19,
    "alexnet": AlexNet,
    "densenet121": densenet121,
    "mobilenet_v2": MobileNetV2,
    "googlenet": GoogLeNet,
}


def create(name: str, num_classes: int, **fields: Any) -> nn.Module:
    """Returns the Linen module of one backbone, without weights.

    The module's `init(key, images, train=False)` makes the collection "params", and "batch_stats"
    where it has BatchNorm; `apply(variables, images, train=...)` takes f32[B,H,W,C] images of at
    least `module.smallest` pixels a side and returns f32[B,num_classes]. Where it drops out,
    training takes `rngs={"dropout": key}`.

    Args:
      name: a key of `BACKBONES`.
      num_classes: outputs of the head, at least 1.
      **fields: of the module: `layers` (see layers/make.py), `small_images`, and `dropout` where it
        has some.

    Raises:
      UserError: the name is unknown.
    """
    checks.one_of("classifier", name, BACKBONES)
    return BACKBONES[name](num_classes=num_classes, **fields)
