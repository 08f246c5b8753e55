"""What the last layer of a network sees: features of images, by weights from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from synthmed_jax import parallel
from synthmed_jax.classifiers.feature_net import training
from synthmed_jax.classifiers.inputs import normalise
from synthmed_jax.classifiers.networks.backbone import Variables
from synthmed_jax.classifiers.programs import make_network
from synthmed_jax.classifiers.weights.pretrained import Pretrained
from synthmed_jax.parallel import Tree

SIDE = 224  # of the images that torchvision's weights were trained on, pixels
_BATCH = 32


def penultimate(network: nn.Module, variables: Variables, images: jax.Array) -> jax.Array:
    """Returns f32[B,D], the input of the network's last linear layer.

    Args:
      network: one of `networks.BACKBONES`, or another Linen module that ends in `nn.Dense`.
      variables: its weights; those of the last layer change nothing.
      images: f32[B,H,W,3], normalised.
    """
    inputs: list[jax.Array] = []

    def keep(
        call: Callable[..., Tree],
        args: tuple[Tree, ...],
        options: dict[str, Tree],
        context: nn.module.InterceptorContext,
    ) -> Tree:
        if isinstance(context.module, nn.Dense) and context.method_name == "__call__":
            inputs.append(args[0])
        return call(*args, **options)

    with nn.intercept_methods(keep):
        network.apply(variables, images, train=False)
    return inputs[-1].astype(jnp.float32)


def make_features(
    backbone: str, num_classes: int, given: Pretrained
) -> Callable[[np.ndarray], np.ndarray]:
    """Builds u8[N,S,S,1 or 3] -> f32[N,D], compiled on first use; images are resized to SIDE.

    Args:
      backbone: a key of `networks.BACKBONES`.
      num_classes: for which `given` was loaded.
      given: the network's weights, with or without a head.
    """
    # Of the settings, only how a network computes matters here: in float32, with its own stem.
    network = make_network(backbone, num_classes, training(SIDE), given)
    variables = _with_any_head(network, given.variables)

    def features(variables: Variables, images: jax.Array) -> jax.Array:
        x = normalise(images)
        x = jax.image.resize(x, (len(images), SIDE, SIDE, x.shape[-1]), "bilinear")
        return penultimate(network, variables, x)

    mapped = parallel.map_examples(features, _BATCH)
    return lambda images: cast(np.ndarray, mapped(variables, images))


def _with_any_head(network: nn.Module, given: Variables) -> Variables:
    """The weights, with zeros for a head that they lack: what it says is never used."""
    images = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), jnp.float32)
    shapes = jax.eval_shape(
        lambda key, x: network.init(key, x, train=False), jax.random.key(0), images
    )
    flat = traverse_util.flatten_dict(shapes)
    found = traverse_util.flatten_dict(given)
    zeros = {path: np.zeros(leaf.shape, leaf.dtype) for path, leaf in flat.items()}
    return cast(Variables, traverse_util.unflatten_dict(zeros | found))
