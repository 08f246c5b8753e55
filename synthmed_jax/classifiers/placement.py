"""Where the images of a training are: on the devices, where they fit, or with the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import grain
import jax
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.pipeline import Augmentation, batches, draws, gather

# Images of a training, its validation's among them, that every device has room for. At 224 pixels
# and three channels it is 14,000 of them.
KEPT_BYTES = 2 * 2**30


class Placed(NamedTuple):
    """What a training reads.

    Attributes:
      batches: `dataset[step]` is what `Programs.step` takes.
      kept: the training images on the devices; None: they come with every batch.
      validation: by name, what `Programs.predict` takes: (images, None) or (indices, kept images).
    """

    batches: grain.MapDataset
    kept: Any
    validation: dict[str, tuple[np.ndarray, Any]]


def place(
    train: ImageSet,
    validation: Mapping[str, ImageSet],
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
) -> Placed:
    """Puts a training's images on the devices, once, or leaves them to be sent as they are needed.

    Either way a batch is the same.
    """
    sets = (train, *validation.values())
    if not stay_on_devices(sum(images.images.nbytes for images in sets)):
        sent = {name: (images.images, None) for name, images in validation.items()}
        return Placed(batches(train, batch_size, seed, augmentation), None, sent)
    kept = {
        name: (np.arange(len(images), dtype=np.int32), _keep(images))
        for name, images in validation.items()
    }
    return Placed(draws(len(train), batch_size, seed, augmentation), _keep(train), kept)


def stay_on_devices(size: int) -> bool:
    """Whether so many bytes of images are kept there; a CPU's devices have the host's memory."""
    return jax.default_backend() != "cpu" and size <= KEPT_BYTES


def _keep(images: ImageSet) -> Any:
    return parallel.everywhere({"image": np.asarray(images.images), "label": images.labels})


def load_batch(kept: Any, draw: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """A batch of the kept training images, on the devices."""
    index = draw["index"]
    return {"image": gather(kept["image"], index, draw["moves"]), "label": kept["label"][index]}


def load_images(kept: Any, index: jax.Array) -> jax.Array:
    """Kept images as they are, on the devices."""
    return kept["image"][index]
