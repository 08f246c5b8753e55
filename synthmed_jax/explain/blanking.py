"""Which regions a network needs: what its accuracy loses when they are blanked.

LIME hides small regions of single images, and sees little of a ring that is spread over many of
them. Blanking hides a region as a whole, in all test images, and asks what is still right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.regions import REGIONS
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.results.explanations import RegionProbe
from synthmed_jax.statistics.intervals import LEVEL, Estimate, mean_estimate
from synthmed_jax.statistics.paired import balanced_difference


def blank(images: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Returns the images u8[N,S,S,C] with the same mean at each pixel of their areas.

    A pixel's mean is over the images in whose area it lies. What images differ by there is gone,
    but for the area's shape, and what they have in common stays, so that a network is not shown
    what it never saw.

    Args:
      images: u8[N,S,S,C].
      areas: bool[N,S,S].
    """
    counts = areas.sum(axis=0)
    sums = images.sum(axis=0, dtype=np.float64, where=areas[..., None])
    means = np.rint(sums / np.maximum(counts, 1)[..., None]).astype(images.dtype)
    return np.where(areas[..., None], means, images)


def probe_evaluations(num_images: int) -> int:
    """Images that `probe_regions` asks about: all as they are, and all with each region blanked."""
    return num_images * (1 + len(REGIONS))


def probe_regions(
    predictor: Predictor,
    test: ImageSet,
    groups: np.ndarray | None,
    importance: Mapping[str, Estimate],
    seed: int,
) -> tuple[RegionProbe, ...]:
    """Blanks every region of REGIONS, and compares the network's answers, image by image.

    Args:
      test: N images at the network's size.
      groups: i64[N], group of each image, two or more in all; None: images are independent.
      importance: region -> LIME's importance there over its area; may lack regions.
      seed: of the draws behind intervals.
    """
    # Each interval is so wide that all of them hold at LEVEL together.
    level = 1 - (1 - LEVEL) / len(REGIONS)
    hits = _hits(predictor, test.images, test.labels)
    accuracy = _balanced(hits, test.labels)
    probes = []
    for name, areas_of in REGIONS.items():
        areas = areas_of(test.images)
        loss, blanked = None, hits
        if areas.any():
            blanked = _hits(predictor, blank(test.images, areas), test.labels)
            loss = balanced_difference(hits, blanked, test.labels, groups, seed, level=level)
        probes.append(
            RegionProbe(
                region=name,
                num_images=len(test),
                area=float(areas.mean()),
                importance=importance.get(name, mean_estimate([])),
                accuracy=accuracy,
                blanked_accuracy=_balanced(blanked, test.labels),
                loss=loss,
            )
        )
    return tuple(probes)


def _hits(predictor: Predictor, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """f64[N], 1 where the network is right."""
    return (predictor.probabilities(images).argmax(axis=-1) == labels).astype(np.float64)


def _balanced(hits: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([hits[labels == label].mean() for label in np.unique(labels)]))
