"""From decoded images to a network's input: the same path for real and synthetic images."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax.data import decode
from synthmed_jax.data.image_set import ImageSet

# Channel statistics of ImageNet, as torchvision's networks expect them.
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


def resize(images: ImageSet, size: int) -> ImageSet:
    """Resizes square images u8[N,S,S,C] to u8[N,size,size,C], with antialiasing."""
    pixels = decode.stretch_images(images.images, size)
    return images if pixels is images.images else dataclasses.replace(images, images=pixels)


def normalise(images: jax.Array) -> jax.Array:
    """Normalises by ImageNet's mean and deviation; a grey channel is repeated.

    Args:
      images: u8[B,S,S,1 or 3].

    Returns:
      f32[B,S,S,3].
    """
    rgb = jnp.broadcast_to(images, (*images.shape[:3], 3)).astype(jnp.float32) / 255
    return (rgb - IMAGENET_MEAN.reshape(1, 1, 1, 3)) / IMAGENET_STD.reshape(1, 1, 1, 3)
