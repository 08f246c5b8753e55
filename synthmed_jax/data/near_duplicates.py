"""Near-duplicates: images that show the same, shifted, saved again or a little changed.

Two images are near-duplicates if the correlation of their aligned details (alignment.py) is above a
threshold. It comes from the images of `fit` alone: for each, how alike its nearest other image is.
Most of those neighbours are no duplicates, so that the bulk of these numbers says what is usual
between different images; the threshold is where a hundredth of it would lie above, were it normal.
What stands out of it is taken for duplicates. No label and no network has a part in this.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from synthmed_jax.data import alignment, twins
from synthmed_jax.data.alignment import Details
from synthmed_jax.data.first_sight import LEAST, find_candidates

VERSION = 1  # of what is computed here; part of the name under which it is kept
LOWEST, HIGHEST = 0.5, 0.95
"""Bounds of the threshold.

Below 0.5 one image explains less than a quarter of the other's variance, which is no likeness,
however rare it is. A copy saved as JPEG or slightly blurred correlates with 0.95 or more; a set in
which half of the images have a duplicate would otherwise hide them all.
"""
FEWEST = 30  # different images that a bulk can be described from
_QUANTILE = 2.326  # deviations of a normal distribution, above which a hundredth of it lies
_TO_DEVIATION = 1.4826  # deviation over median absolute deviation, of a normal distribution


@dataclasses.dataclass(frozen=True, eq=False)
class Duplicates:
    """What is alike in a set of N images.

    Attributes:
      threshold: correlation above which two images are near-duplicates.
      twins: i64[N], for each image the first with the same pixels.
      components: i64[N], from 0: the same number for images that a chain of twins and
        near-duplicates connects.
      pairs: i64[P,2], near-duplicates, each the first of its twins, lower index first.
      alike: f64[P], their correlations.
    """

    threshold: float
    twins: np.ndarray
    components: np.ndarray
    pairs: np.ndarray
    alike: np.ndarray


def find(images: np.ndarray, reference: np.ndarray) -> Duplicates:
    """Finds the duplicates in a set.

    Images with a side under `alignment.SMALLEST` are compared pixel by pixel alone.

    Args:
      images: u8[N,S,S,C].
      reference: i64[M], the images that the threshold comes from.
    """
    if images.shape[1] < alignment.SMALLEST:
        return find_twins(images)
    first = twins.first_twins(images)
    distinct = np.unique(first)
    details = Details(images, distinct)
    threshold = calibrate(Details(images, np.unique(first[reference])))
    candidates = find_candidates(details, details, same=True)
    found = _rounded(alignment.correlate(details, details, candidates))
    pairs, alike = distinct[candidates[found > threshold]], found[found > threshold]
    return _connected(threshold, first, pairs, alike)


def find_twins(images: np.ndarray) -> Duplicates:
    """Finds images u8[N,S,S,C] with equal pixels alone: no two others are taken for alike."""
    none = np.zeros((0, 2), np.int64), np.zeros(0)
    return _connected(HIGHEST, twins.first_twins(images), *none)


def _connected(
    threshold: float, first: np.ndarray, pairs: np.ndarray, alike: np.ndarray
) -> Duplicates:
    size = len(first)
    start = np.concatenate([np.arange(size), pairs[:, 0]])
    end = np.concatenate([first, pairs[:, 1]])
    graph = sparse.coo_array((np.ones(len(start)), (start, end)), shape=(size, size))
    components = csgraph.connected_components(graph, directed=False)[1].astype(np.int64)
    return Duplicates(threshold, first, components, pairs, alike)


def are_near(images: np.ndarray, others: np.ndarray, threshold: float) -> np.ndarray:
    """Returns bool[N]: which images have a twin or a near-duplicate among others.

    Args:
      images, others: u8[N,S,S,C] and u8[M,S,S,C], N and M at least 1.
      threshold: of `Duplicates`.
    """
    near = twins.are_among(images, others)
    if images.shape[1] >= alignment.SMALLEST:
        first, second = alignment.details_of_all(images), alignment.details_of_all(others)
        pairs = find_candidates(first, second)
        alike = _rounded(alignment.correlate(first, second, pairs))
        near[pairs[alike > threshold, 0]] = True
    return near


def calibrate(details: Details) -> float:
    """Returns the threshold that follows from the details of different images."""
    if len(details) < FEWEST:
        return HIGHEST
    pairs = find_candidates(details, details, same=True)
    alike = alignment.correlate(details, details, pairs)
    nearest = np.full(len(details), LEAST, np.float32)
    for side in (0, 1):
        np.maximum.at(nearest, pairs[:, side], alike)
    # Distances 1 - r are skewed, their logarithms are not.
    distance = np.log(np.maximum(1 - nearest.astype(np.float64), 1e-6))
    middle = np.median(distance)
    deviation = _TO_DEVIATION * np.median(np.abs(distance - middle))
    return float(_rounded(np.clip(1 - np.exp(middle - _QUANTILE * deviation), LOWEST, HIGHEST)))


def _rounded(alike: np.ndarray) -> np.ndarray:
    """To four digits, so that another machine's sums give the same duplicates."""
    return np.round(np.asarray(alike, np.float64), 4)
