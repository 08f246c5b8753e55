"""Batches for training: an endless grain MapDataset, so that `dataset[step]` resumes anywhere."""

import dataclasses

import grain
import numpy as np

from synthmed_jax.data import warp
from synthmed_jax.data.images import ImageSet
from synthmed_jax.errors import UserError

FLIPS = ("none", "horizontal", "dihedral")


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How training images are varied.

    Attributes:
      flips: "none", "horizontal" (left-right mirror with probability 1/2) or "dihedral" (one of
        the square's 8 symmetries, for images without an up, such as blood smears).
      shift: largest shift in pixels; each axis draws from [-shift, shift]. What comes in repeats
        the edge: black would be a frame that bright microscopy never has, and a reflection would
        double anatomy at the border.
      warp: probability of a geometric warp whose numbers come with the image (see `warp`), for a
        network that is told; 0.0: none, and no numbers.
    """

    flips: str
    shift: int
    warp: float = 0.0

    def __post_init__(self) -> None:
        if self.flips not in FLIPS:
            raise UserError(f"flips={self.flips!r} is not one of {', '.join(FLIPS)}")
        if self.shift < 0:
            raise UserError(f"shift={self.shift} must be at least 0 pixels")
        if not 0 <= self.warp <= 1:
            raise UserError(f"warp={self.warp} must be between 0 and 1")


def batches(
    images: ImageSet, batch_size: int, seed: int, augmentation: Augmentation
) -> grain.MapDataset:
    """Returns an endless data set of training batches.

    Epochs follow each other without a gap: a batch may hold the end of one and the start of the
    next, so that every image is seen equally often and none is dropped.

    Args:
      images: N images, shared, not copied.
      batch_size: B >= 1; where it is above N, a batch holds images more than once.
      seed: 0 <= seed < 2**32; an element depends on (seed, step) alone.

    Returns:
      `dataset[step]` = {"image": u8[B,S,S,C], "label": i32[B]}, and with warps "warp": f32[B,5],
      their numbers.

    Raises:
      UserError: no image, or no batch.
    """
    if batch_size < 1 or not len(images):
        raise UserError(f"can't make batches of {batch_size} from {len(images)} training images")
    pixels = np.asarray(images.images)  # a memory map loses its subclass, not its backing

    def load(indices: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        chosen = augment(pixels[indices], rng, augmentation)
        batch = {"image": chosen, "label": images.labels[indices]}
        if augmentation.warp:
            batch["image"], batch["warp"] = warp.warp(chosen, rng, augmentation.warp)
        return batch

    # Grain handles indices only and the pixels are gathered a batch at a time: its cost a Python
    # call an example is then microseconds.
    return (
        grain.MapDataset.source(range(len(images)))
        .seed(seed)
        .shuffle()
        .repeat()
        .batch(batch_size, drop_remainder=True)
        .random_map(load)
    )


def augment(images: np.ndarray, rng: np.random.Generator, augmentation: Augmentation) -> np.ndarray:
    """Flips and shifts every image of a batch by itself; u8[B,S,S,C] -> u8[B,S,S,C]."""
    count, size = images.shape[:2]
    out = np.array(images)
    if augmentation.flips != "none":
        mirrored = rng.random(count) < 0.5
        out[mirrored] = out[mirrored, :, ::-1]
    if augmentation.flips == "dihedral":
        flipped = rng.random(count) < 0.5
        out[flipped] = out[flipped, ::-1]
        transposed = rng.random(count) < 0.5
        out[transposed] = out[transposed].swapaxes(1, 2)
    if augmentation.shift:
        down, right = rng.integers(-augmentation.shift, augmentation.shift + 1, (2, count, 1))
        # Clipping the source coordinate repeats the edge.
        rows = np.clip(np.arange(size) - down, 0, size - 1)
        columns = np.clip(np.arange(size) - right, 0, size - 1)
        out = out[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return out
