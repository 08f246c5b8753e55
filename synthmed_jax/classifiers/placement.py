"""Where a training's images are: on the devices, if they fit there, or in the host's memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import grain
import jax
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.pipeline import batches, draws, gather
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.parallel import Tree

# Training and validation images up to this size, in bytes, are put on every device. It is 14,000
# images with sides of 224 pixels and three channels.
RESIDENT_BYTES = 2 * 2**30


class Placed(NamedTuple):
    """What a training reads.

    Attributes:
      batches: `dataset[step]` is what `Programs.step` takes.
      resident: the training images on the devices; None: every batch brings its images.
      validation: by name, what `Programs.predict` takes: (images, None), or (indices, images on the
        devices).
    """

    batches: grain.MapDataset
    resident: Tree
    validation: dict[str, tuple[np.ndarray, Tree]]


def place(
    train: ImageSet,
    validation: Mapping[str, ImageSet],
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
) -> Placed:
    """Puts a training's images on the devices, where they fit, or has every batch bring its own.

    The pixels of a batch are the same either way. Warps are made on the host.

    Args:
      train, validation: images, all of one size; validation by name.
      batch_size: images per step, over all devices.
      seed: of the order of the images and their augmentation.
      augmentation: of the training images.
    """
    sets = (train, *validation.values())
    if augmentation.warp or not stay_on_devices(sum(images.images.nbytes for images in sets)):
        sent = {name: (images.images, None) for name, images in validation.items()}
        made = batches(train, batch_size, seed, augmentation)
        return Placed(made.map(_without_numbers) if augmentation.warp else made, None, sent)
    indices = {
        name: (np.arange(len(images), dtype=np.int32), _make_resident(images))
        for name, images in validation.items()
    }
    return Placed(draws(len(train), batch_size, seed, augmentation), _make_resident(train), indices)


def _without_numbers(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A classifier is not told how an image was warped."""
    return {"image": batch["image"], "label": batch["label"]}


def stay_on_devices(size: int) -> bool:
    """Whether images of `size` bytes stay on the devices; a CPU has them in its memory anyway."""
    return not parallel.is_cpu() and size <= RESIDENT_BYTES


def _make_resident(images: ImageSet) -> Tree:
    return parallel.everywhere({"image": np.asarray(images.images), "label": images.labels})


def load_batch(resident: Tree, draw: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """A batch of resident training images, augmented, on the device.

    Args:
      resident: {"image": u8[N,S,S,C], "label": i32[N]}.
      draw: an element of `pipeline.draws`: which images, and how each is moved.
    """
    index = draw["index"]
    images = gather(resident["image"], index, draw["moves"])
    return {"image": images, "label": resident["label"][index]}


def load_images(resident: Tree, index: jax.Array) -> jax.Array:
    """Resident images u8[b,S,S,C] as they are, by index i32[b], on the device."""
    return resident["image"][index]
