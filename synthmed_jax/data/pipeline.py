"""Batches for training: an endless grain MapDataset, so that `dataset[step]` resumes anywhere.

`batches` makes them on the host. Where the images fit on the devices, `draws` gives only the random
numbers, and `gather` makes the same pixels on the device that holds the images.
"""

import grain
import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax.data import warp
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.errors import UserError


def batches(
    images: ImageSet,
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
    rows: slice = slice(None),
) -> grain.MapDataset:
    """Returns an endless data set of training batches.

    Epochs follow each other without a gap: a batch may hold the end of one and the start of the
    next, so that every image is seen equally often and none is dropped.

    Args:
      images: N images, shared, not copied.
      batch_size: B >= 1; where it is above N, a batch holds images more than once.
      seed: 0 <= seed < 2**32; a batch depends on (seed, step) alone.
      augmentation: how each image is varied, by itself and anew in every epoch.
      rows: of each batch that are made; the others' pixels are not read. They are the same pixels
        as in the whole batch.

    Returns:
      `dataset[step]` = {"image": u8[B,S,S,C], "label": i32[B]}; with warps also "warp": f32[B,5],
      the numbers of `warp.draw_numbers`. Of B, the `rows` alone.

    Raises:
      UserError: there are no images, or batch_size is below 1.
    """
    pixels = np.asarray(images.images)  # a plain array, still read from the mapped file on demand

    def load(indices: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        moves, wanted = draw_moves(len(indices), rng, augmentation), indices[rows]
        chosen = _move(pixels[wanted], moves[rows], augmentation)
        batch = {"image": chosen, "label": images.labels[wanted]}
        if augmentation.warp:
            numbers = warp.draw_numbers(len(indices), rng, augmentation.warp)[rows]
            batch["image"], batch["warp"] = warp.warp(chosen, numbers), numbers.astype(np.float32)
        return batch

    return _indices(len(images), batch_size, seed).random_map(load)


def draws(count: int, batch_size: int, seed: int, augmentation: Augmentation) -> grain.MapDataset:
    """Returns the random numbers behind `batches` of `count` images; the images are not needed.

    Args and errors: as of `batches`, `count` being N; `augmentation.warp` is not read.

    Returns:
      `dataset[step]` = {"index": i32[B], "moves": i32[B,5]}, from which `gather` makes the images
      that `batches` has in that step.
    """

    def draw(indices: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        moves = draw_moves(len(indices), rng, augmentation)
        return {"index": np.asarray(indices, np.int32), "moves": moves}

    return _indices(count, batch_size, seed).random_map(draw)


def _indices(count: int, batch_size: int, seed: int) -> grain.MapDataset:
    if batch_size < 1 or not count:
        raise UserError(f"can't make batches of {batch_size} from {count} training images")
    # Grain passes each example through a few Python calls. Here an example is only an index, which
    # costs microseconds; the pixels are looked up once per batch.
    return (
        grain.MapDataset.source(range(count))
        .seed(seed)
        .shuffle()
        .repeat()
        .batch(batch_size, drop_remainder=True)
    )


def draw_moves(count: int, rng: np.random.Generator, augmentation: Augmentation) -> np.ndarray:
    """Draws how `count` images are moved: what happens to each, in this order.

    Returns:
      i32[count,5]: mirrored left-right, flipped upside down, transposed (0 or 1 each), then shifted
      by so many pixels down and right (in [-augmentation.shift, augmentation.shift]).
    """
    moves = np.zeros((count, 5), np.int32)
    if augmentation.flips != "none":
        moves[:, 0] = rng.random(count) < 0.5
    if augmentation.flips == "dihedral":
        moves[:, 1] = rng.random(count) < 0.5
        moves[:, 2] = rng.random(count) < 0.5
    if augmentation.shift:
        shift = augmentation.shift
        moves[:, 3:] = rng.integers(-shift, shift + 1, (2, count)).T
    return moves


def augment(images: np.ndarray, rng: np.random.Generator, augmentation: Augmentation) -> np.ndarray:
    """Draws moves and applies them, to each image its own: u8[B,S,S,C] -> u8[B,S,S,C], a copy."""
    return _move(images, draw_moves(len(images), rng, augmentation), augmentation)


def _move(images: np.ndarray, moves: np.ndarray, augmentation: Augmentation) -> np.ndarray:
    count, size = images.shape[:2]
    mirrored, flipped, transposed = moves[:, :3].T.astype(bool)
    out = np.array(images)
    if augmentation.flips != "none":
        out[mirrored] = out[mirrored, :, ::-1]
        out[flipped] = out[flipped, ::-1]
        out[transposed] = out[transposed].swapaxes(1, 2)
    if augmentation.shift:
        # Clipping the source coordinate repeats the edge.
        rows, columns = np.clip(np.arange(size) - moves[:, 3:].T[..., None], 0, size - 1)
        out = out[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return out


def gather(images: jax.Array, index: jax.Array, moves: jax.Array) -> jax.Array:
    """Picks images and moves them as `augment` does, on the device that holds them.

    For every pixel of the result it is computed where in the source it comes from, which undoes the
    moves from the last to the first; then all pixels are looked up at once.

    Args:
      images: u8[N,S,S,C].
      index: i32[B], 0 <= index < N.
      moves: i32[B,5], see `draw_moves`.

    Returns:
      u8[B,S,S,C].
    """
    size = images.shape[1]
    mirrored, flipped, transposed, down, right = (moves[:, i, None, None] for i in range(5))
    pixel = jnp.arange(size)
    rows = jnp.clip(pixel[None, :, None] - down, 0, size - 1)
    columns = jnp.clip(pixel[None, None, :] - right, 0, size - 1)
    rows, columns = (
        jnp.where(transposed, columns, rows),
        jnp.where(transposed, rows, columns),
    )
    rows = jnp.where(flipped, size - 1 - rows, rows)
    columns = jnp.where(mirrored, size - 1 - columns, columns)
    return images[index[:, None, None], rows, columns]
