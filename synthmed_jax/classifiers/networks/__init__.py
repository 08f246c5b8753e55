"""The eight networks by name, each exactly torchvision's network of that name."""

from flax import linen as nn

from synthmed_jax import checks
from synthmed_jax.classifiers.layers.make import Layers
from synthmed_jax.classifiers.networks.alexnet import ALEXNET
from synthmed_jax.classifiers.networks.backbone import Backbone
from synthmed_jax.classifiers.networks.densenet import DENSENET121
from synthmed_jax.classifiers.networks.googlenet import GOOGLENET
from synthmed_jax.classifiers.networks.mobilenet_v2 import MOBILENET_V2
from synthmed_jax.classifiers.networks.resnet import RESNET18, RESNET50
from synthmed_jax.classifiers.networks.vgg import VGG16, VGG19

BACKBONES: dict[str, Backbone] = {
    "resnet18": RESNET18,
    "resnet50": RESNET50,
    "vgg16": VGG16,
    "vgg19": VGG19,
    "alexnet": ALEXNET,
    "densenet121": DENSENET121,
    "mobilenet_v2": MOBILENET_V2,
    "googlenet": GOOGLENET,
}


def create(name: str, num_classes: int, **options: Layers | bool | float) -> nn.Module:
    """Returns the Linen module of one backbone, without weights.

    The module's `init(key, images, train=False)` makes the collection "params", and "batch_stats"
    where it has BatchNorm. `apply(variables, images, train=...)` returns logits f32[B,num_classes]
    of images f32[B,H,W,C], normalised by ImageNet's mean and deviation. With `train`, BatchNorm
    normalises by the batch's statistics and updates the running ones (which needs
    `mutable=["batch_stats"]`), and dropout draws from `rngs={"dropout": key}`. Images with a side
    below `Backbone.smallest` raise UserError.

    Args:
      name: a key of `BACKBONES`.
      num_classes: outputs of the head, at least 1.
      **options: fields of the module, each with a default. All have `layers`, which makes the
        layers, and `small_images`: whether the stem keeps every pixel, for images with a side of
        about 32. Some have `dropout`, a rate; GoogLeNet has `transform_input`.

    Raises:
      UserError: the name is unknown.
    """
    checks.one_of("classifier", name, BACKBONES)
    return BACKBONES[name].make(num_classes=num_classes, **options)
