"""A small network whose 64 features describe the user's images, for distances between sets.

Features that were learned from ImageNet tell cats from dogs; these tell apart the classes of this
data set. The stage `features` trains the network on `fit` alone and chooses its epoch there, and
distances are taken to `val`, so that copies of `fit` gain nothing by what the network has learned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.classifiers.inputs import normalise
from synthmed_jax.classifiers.networks.backbone import Variables
from synthmed_jax.classifiers.settings import RANDOM, TrainingSettings
from synthmed_jax.conv import conv_general_dilated

FEATURES = 64
WIDTHS = (32, 64, 128)  # of the convolutions, each of which halves the side


class Features(nn.Module):
    """Three strided convolutions, a mean over pixels, and FEATURES numbers in (-1, 1)."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalised images f32[B,H,W,3] -> f32[B,FEATURES]."""
        for width in WIDTHS:
            x = nn.Conv(
                width, (3, 3), (2, 2), padding=1, conv_general_dilated=conv_general_dilated
            )(x)
            x = nn.gelu(nn.GroupNorm(num_groups=8)(x))
        return nn.tanh(nn.Dense(FEATURES)(jnp.mean(x, axis=(1, 2))))


class FeatureNet(nn.Module):
    """The features and a linear classifier on them, which is what they are trained for.

    Attributes:
      num_classes: K.
    """

    num_classes: int

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        """Logits f32[B,K] of normalised images f32[B,H,W,3]; `train` changes nothing."""
        del train
        return nn.Dense(self.num_classes)(Features(name="features")(x))


def training(image_size: int) -> TrainingSettings:
    """How this network is trained: fixed, so that no setting of a classifier changes a distance.

    Args:
      image_size: side of the generator's images, pixels.
    """
    return TrainingSettings(
        image_size=image_size,
        small_images=False,
        weights=RANDOM,
        transform_input="auto",
        dtype="float32",
        batch_size=32,
        steps=0,
        max_epochs=10,
        min_steps=400,
        patience=6,
        selection="val",
        learning_rate=3e-4,
        rate_schedule="cosine",
        label_smoothing=0.0,
        weight_decay=0.01,
        seeds=0,
        folds=5,
        flips="none",
        shift=2,
        warp=0.0,
        seed=0,
    )


def make_features(batch_size: int) -> Callable[[Variables, np.ndarray], np.ndarray]:
    """Builds (a FeatureNet's variables, u8[N,S,S,C]) -> f32[N,FEATURES], compiled on first use."""

    def features(variables: Variables, images: jax.Array) -> jax.Array:
        of_features = {"params": variables["params"]["features"]}
        return cast(jax.Array, Features().apply(of_features, normalise(images)))

    return parallel.map_examples(features, batch_size)
