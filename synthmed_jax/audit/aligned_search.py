"""For each image the nearest one of a set where one may be mirrored, turned, zoomed and shifted.

Nearness is the correlation of details (data/alignment.py) after the best of many alignments: the
data set's symmetries, small turns and zooms, shifts by up to two pixels. All of them are tried at a
low resolution against every image of the set; what is then most alike is compared at the full one.

Arrays: details f32[N,S,S]; groups i64[N], 0 or more.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

from synthmed_jax import parallel
from synthmed_jax.data import alignment
from synthmed_jax.data.first_sight import shifted_thumbnails, thumbnails
from synthmed_jax.evaluation.memorisation import SYMMETRIES

CANDIDATES = 8
"""So many images, most alike at low resolution, are compared with each image at the full one."""
# Degrees and factors that an image is turned and enlarged by.
WARPS = ((0.0, 1.0), (-5.0, 1.0), (5.0, 1.0), (0.0, 1.06), (0.0, 1 / 1.06))
FINE_WARPS = (*WARPS, (-2.5, 1.0), (2.5, 1.0), (0.0, 1.03), (0.0, 1 / 1.03))
_BLOCK = 1024  # images at a time at low resolution: 20 MB with 5,000 references
_TOGETHER = 32  # images at a time at the full one: 100 MB at 64 pixels
_TINY = 1e-3  # length of the details of an image that has none, grey levels


@dataclasses.dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest reference of each of N images.

    Attributes:
      index: i64[N].
      alike: f64[N], correlation with it, at most 1; -1 where there was none to compare with.
    """

    index: np.ndarray
    alike: np.ndarray


def find_nearest(
    queries: np.ndarray,
    references: np.ndarray,
    flips: str,
    groups: tuple[np.ndarray, np.ndarray] | None = None,
) -> Nearest:
    """Finds the reference that each image is most alike to.

    Args:
      queries: u8[N,S,S,C].
      references: u8[M,S,S,C], M > 0.
      flips: a key of SYMMETRIES.
      groups: of the images and of the references; two of one group are not compared. None: all are.

    Raises:
      ValueError: unknown flips, or images of different shapes.
    """
    if flips not in SYMMETRIES:
        raise ValueError(f"flips={flips!r} is not one of {', '.join(SYMMETRIES)}")
    if not len(references) or queries.shape[1:] != references.shape[1:]:
        raise ValueError(f"can't compare images {queries.shape} with {references.shape}")
    details = alignment.details_of(references)
    orders = _orders(details.shape[1], flips)
    shift = alignment.largest_shift(details.shape[1])
    flat = details.reshape(len(details), -1)
    coarse = [shifted_thumbnails(flat[:, order].reshape(details.shape)) for order in orders]
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for start, block in _blocks(queries):
        of_block = alignment.details_of(block)
        own = None if groups is None else (groups[0][start : start + len(block)], groups[1])
        candidate, symmetry = _candidates(of_block, coarse, own)
        alike = np.asarray(
            _compare(shift)((details, orders), of_block, candidate, symmetry), np.float64
        )
        if own is not None:
            alike[own[0][:, None] == own[1][candidate]] = -1
        found.append((candidate, alike))
    candidates, alike = (np.concatenate(each) for each in zip(*found, strict=True))
    best, rows = alike.argmax(axis=1), np.arange(len(alike))
    return Nearest(candidates[rows, best], np.minimum(alike[rows, best], 1.0))


def _orders(side: int, flips: str) -> np.ndarray:
    """i32[K,S*S], the order of an image's pixels under each symmetry."""
    places = np.arange(side * side, dtype=np.int32).reshape(side, side)
    return np.stack(
        [
            np.rot90(places[:, ::-1] if mirrored else places, turns).ravel()
            for turns, mirrored in SYMMETRIES[flips]
        ]
    )


def _candidates(
    details: np.ndarray,
    coarse: list[list[np.ndarray]],
    groups: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns references i32[B,K] and the symmetry i32[B,K] under which each is most alike.

    Args:
      coarse: thumbnails f32[M,D] of the references, for each symmetry and shift.
    """
    versions = np.asarray(_warped(details, WARPS))
    warped = [thumbnails(versions[:, i]) for i in range(len(WARPS))]
    shape = (len(details), len(coarse[0][0]))
    alike, symmetry = np.full(shape, -2, np.float32), np.zeros(shape, np.int32)
    product = np.empty(shape, np.float32)
    for number, of_symmetry in enumerate(coarse):
        best = np.full(shape, -2, np.float32)
        for reference, query in itertools.product(of_symmetry, warped):
            np.matmul(query, reference.T, out=product)
            np.maximum(best, product, out=best)
        symmetry[best > alike] = number
        np.maximum(alike, best, out=alike)
    if groups is not None:
        alike[groups[0][:, None] == groups[1][None, :]] = -2
    wanted = min(CANDIDATES, shape[1])
    nearest = np.argpartition(alike, -wanted, axis=1)[:, -wanted:]
    return nearest.astype(np.int32), np.take_along_axis(symmetry, nearest, axis=1)


@functools.cache
def _compare(shift: int) -> Callable[..., parallel.Tree]:
    """A function of (references, pixel orders), details f32[N,S,S], candidates and symmetries
    i32[N,K] that returns correlations f32[N,K]."""

    def of_one(
        state: tuple[jax.Array, jax.Array], image: jax.Array, rows: jax.Array, symmetry: jax.Array
    ) -> jax.Array:
        references, orders = state
        side = image.shape[0]
        inner = side - 2 * shift
        others = references.reshape(len(references), -1)[rows]
        others = jnp.take_along_axis(others, orders[symmetry], axis=1).reshape(-1, side, side)
        windows = jnp.stack(
            [
                others[:, down : down + inner, right : right + inner]
                for down, right in itertools.product(range(2 * shift + 1), repeat=2)
            ],
            axis=1,
        )
        middle = _warped(image[None], FINE_WARPS)[0][:, shift:-shift, shift:-shift]
        return jnp.einsum("whv,kshv->ksw", _normalised(middle), _normalised(windows)).max((1, 2))

    def of_batch(state: tuple[jax.Array, jax.Array], *arrays: jax.Array) -> jax.Array:
        return jax.lax.map(lambda one: of_one(state, *one), arrays)

    return parallel.map_examples(of_batch, _TOGETHER)


def _normalised(images: jax.Array) -> jax.Array:
    """Of mean 0 and length 1 over the last two axes; all 0 where there are no details."""
    centred = images - images.mean(axis=(-2, -1), keepdims=True)
    length = jnp.sqrt((centred**2).sum(axis=(-2, -1), keepdims=True))
    return jnp.where(length > _TINY, centred / jnp.maximum(length, _TINY), 0)


@functools.partial(jax.jit, static_argnums=1)
def _warped(details: jax.Array, warps: tuple[tuple[float, float], ...]) -> jax.Array:
    """Details f32[B,W,S,S], turned and enlarged about the centre; the edge is repeated."""
    side = details.shape[1]
    along = np.arange(side) - (side - 1) / 2
    grids = []
    for degrees, factor in warps:
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        y, x = np.meshgrid(along, along, indexing="ij")
        grids.append(np.stack([cos * y + sin * x, cos * x - sin * y]) / factor + (side - 1) / 2)
    places = jnp.asarray(np.stack(grids, axis=1), jnp.float32)  # [2,W,S,S]

    def of_one(image: jax.Array) -> jax.Array:
        return map_coordinates(image, [*places], order=1, mode="nearest")

    return jax.vmap(of_one)(details)


def _blocks(images: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(images), _BLOCK):
        yield start, images[start : start + _BLOCK]
