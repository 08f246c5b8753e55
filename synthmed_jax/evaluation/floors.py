"""Floors: what a forest makes of an image's simplest numbers, in seconds.

A network that is not better than these has shown nothing that needed a network; where a floor is
high, the classes can be told by colour, by the edge of the picture or by coarse shape alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from scipy import fft
from sklearn.ensemble import ExtraTreesClassifier

from synthmed_jax import best_cells
from synthmed_jax.data import regions
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.estimands import REPLACE
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.floors import MAJORITY, Floor, Floors
from synthmed_jax.statistics.classification import balanced_accuracy
from synthmed_jax.statistics.intervals import LEVEL
from synthmed_jax.statistics.paired import balanced_difference

BINS = 16  # of a histogram, per channel
THUMBNAIL = 4  # side, pixels
FREQUENCIES = 8  # of each direction, the lowest
LEVELS_AT = (0.05, 0.25, 0.5, 0.75, 0.95)  # quantiles of the background's levels
STEPS_AT = (0.25, 0.5, 0.75, 0.95)  # and of the steps between its neighbours along rows
TREES = 300
_IMAGES = 1024  # that a forest answers at once


def answers_to_beat(
    cells: Sequence[CellScores], hits: Mapping[Cell, np.ndarray]
) -> dict[str, np.ndarray]:
    """SYNTHETIC, REAL -> the answers f[N] of the network that has to beat the floors of that arm.

    It is the one that the first estimand compares: of the arms of real images, the best by
    validation.

    Args:
      hits: cell -> share of its networks that are right on each image.
    """
    chosen = best_cells.headline(cells)
    best = {
        best_cells.SYNTHETIC: best_cells.of_arms(chosen, REPLACE.first),
        best_cells.REAL: best_cells.of_arms(chosen, REPLACE.second),
    }
    return {arm: hits[cell.cell] for arm, cell in best.items() if cell is not None}


def pixels(images: np.ndarray) -> np.ndarray:
    """u8[N,S*S*C]."""
    return images.reshape(len(images), -1)


def histogram(images: np.ndarray) -> np.ndarray:
    """Shares f64[N,C*16] of the pixels of each channel in 16 equal ranges of levels."""
    bins = images // (256 // BINS)
    counts = [(bins == level).mean(axis=(1, 2)) for level in range(BINS)]
    return np.stack(counts, axis=2).reshape(len(images), -1)


def thumbnail(images: np.ndarray) -> np.ndarray:
    """Mean levels f64[N,4*4*C] of a grid of rectangles; sides under 4 pixels are left alone."""
    for axis in (1, 2):
        parts = np.array_split(images, min(THUMBNAIL, images.shape[axis]), axis=axis)
        images = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return images.reshape(len(images), -1)


def ring(images: np.ndarray) -> np.ndarray:
    """u8[N,(4S-4)*C], the outermost pixels; of larger images than floors see, a wider ring."""
    return images[:, regions.ring(images.shape[1])].reshape(len(images), -1)


def corners(images: np.ndarray) -> np.ndarray:
    """u8[N,P*C], the pixels of the squares in the four corners."""
    return images[:, regions.corner_squares(images.shape[1])].reshape(len(images), -1)


def background(images: np.ndarray) -> np.ndarray:
    """f64[N,9*C], levels of the background and steps between its neighbours, wherever they are.

    Quantiles alone, so that its shape, which is that of the tissue, is not told by its place or its
    size. It is not hidden altogether: the threshold between both follows from the whole image. An
    image without a background has -1 throughout.
    """
    return np.stack([_background_quantiles(image) for image in images])


def _background_quantiles(image: np.ndarray) -> np.ndarray:
    area, levels = regions.background(image), image.astype(np.float64)
    steps = np.abs(np.diff(levels, axis=1))[area[:, 1:] & area[:, :-1]]
    quantiles = [
        np.quantile(values, at, axis=0)
        if len(values)
        else np.full((len(at), image.shape[-1]), -1.0)
        for values, at in ((levels[area], LEVELS_AT), (steps, STEPS_AT))
    ]
    return np.concatenate(quantiles).reshape(-1)


def low_frequencies(images: np.ndarray) -> np.ndarray:
    """f32[N,8*8*C], the coefficients of lowest frequency of the discrete cosine transform."""
    spectrum = fft.dctn(images.astype(np.float32), axes=(1, 2), norm="ortho")
    return spectrum[:, :FREQUENCIES, :FREQUENCIES].reshape(len(images), -1)


# Images u8[N,S,S,C] -> numbers f[N,D].
FEATURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pixels": pixels,
    "histogram": histogram,
    "thumbnail": thumbnail,
    "ring": ring,
    "corners": corners,
    "background": background,
    "low_frequencies": low_frequencies,
}


def measure_floors(
    training: Mapping[str, ImageSet],
    test: ImageSet,
    networks: Mapping[str, np.ndarray],
    groups: np.ndarray | None,
    seed: int,
) -> Floors:
    """Trains every floor on every training set, and tests it on the real test images.

    Args:
      training: arm -> its images, of the test images' size.
      test: N images.
      networks: arm -> f[N] in [0, 1], how right its network is on each test image; may lack arms.
      groups: i64[N], group of each test image, two or more in all; None: images are independent.
      seed: of forests and of intervals.
    """
    floors = []
    # All floors of regions together are above the majority by chance in one run of 40 at most.
    level = 1 - (1 - LEVEL) / (len(regions.REGIONS) * len(training))
    for arm, images in training.items():
        majority = np.equal(test.labels, _majority(images)).astype(np.float64)
        for features, predicted in _answers(images, test, seed):
            hits = (predicted == test.labels).astype(np.float64)
            network = networks.get(arm)
            floors.append(
                Floor(
                    features=features,
                    arm=arm,
                    num_train=len(images),
                    accuracy=float(hits.mean()),
                    balanced_accuracy=balanced_accuracy(
                        predicted, test.labels, len(test.class_names)
                    ),
                    network_ahead=None
                    if network is None
                    else balanced_difference(network, hits, test.labels, groups, seed),
                    above_majority=balanced_difference(
                        hits, majority, test.labels, groups, seed, level=level
                    )
                    if features in regions.REGIONS
                    else None,
                )
            )
    unit = "image" if groups is None else "group"
    return Floors(test.images.shape[1], TREES, seed, unit, tuple(floors))


def _answers(images: ImageSet, test: ImageSet, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the name of each floor and the classes i64[N] that it answers."""
    yield MAJORITY, np.full(len(test), _majority(images))
    for name in FEATURES:
        yield name, forest_answers(name, images, test, seed)


def _majority(images: ImageSet) -> int:
    return int(np.bincount(images.labels).argmax())


def forest_answers(features: str, images: ImageSet, test: ImageSet, seed: int) -> np.ndarray:
    """Classes i64[N] of test images, by a forest that has learned from other images.

    The forest is of extremely randomised trees (Geurts, Ernst & Wehenkel, 2006), at scikit-learn's
    settings but for their number: nothing is chosen.

    Args:
      features: a key of FEATURES.
    """
    forest = ExtraTreesClassifier(TREES, random_state=seed, n_jobs=-1)
    forest.fit(FEATURES[features](images.images), images.labels)
    blocks = range(0, len(test), _IMAGES)
    answers = [
        forest.predict(FEATURES[features](test.images[start : start + _IMAGES])) for start in blocks
    ]
    return np.concatenate(answers)
