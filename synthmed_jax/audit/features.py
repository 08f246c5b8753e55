"""Numbers that describe an image without any training: nothing is downloaded or learned.

Networks that were trained on one of the two sets would call that set the better one; these features
have seen neither.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

from synthmed_jax import parallel
from synthmed_jax.data.threads import map_in_threads
from synthmed_jax.evaluation import floors

GREY_LEVELS = 16  # of co-occurrence matrices
DISTANCES = (1, 2)  # between the two pixels of a pair, pixels
ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "ASM", "energy", "correlation")
NEIGHBOURS = 8  # of a local binary pattern, on a circle of radius 1
FILTERS = 32  # of each of two layers of random convolutions
_SEED = 20240807  # of the filters; fixed, so that distances of different runs are comparable
_BATCH = 256
# Variance of the error that rounding to whole grey levels makes: no difference below it is seen.
ROUNDING = 1 / 12


def grey(images: np.ndarray) -> np.ndarray:
    """Mean of the channels, rounded: u8[N,S,S,C] -> u8[N,S,S]."""
    if images.shape[3] == 1:
        return images[..., 0]
    return np.rint(images.mean(axis=3)).astype(np.uint8)


def histogram(images: np.ndarray) -> np.ndarray:
    """f32[N,16*C], shares of the pixels of each channel in 16 equal ranges of levels."""
    return floors.histogram(images).astype(np.float32)


def glcm(images: np.ndarray) -> np.ndarray:
    """f32[N,12], six properties of grey-level co-occurrence matrices at two distances.

    Each is a mean over four directions (Haralick, Shanmugam & Dinstein, 1973).
    """

    def of_one(image: np.ndarray) -> np.ndarray:
        matrix = graycomatrix(image, DISTANCES, ANGLES, GREY_LEVELS, symmetric=True, normed=True)
        return np.concatenate([graycoprops(matrix, name).mean(axis=1) for name in PROPERTIES])

    return _stack(map_in_threads(of_one, grey(images) // (256 // GREY_LEVELS)))


def lbp(images: np.ndarray) -> np.ndarray:
    """f32[N,10], shares of the uniform local binary patterns (Ojala, Pietikainen & Maenpaa, 2002).

    A pattern says which of a pixel's eight neighbours are not darker than it.
    """

    def of_one(image: np.ndarray) -> np.ndarray:
        codes = local_binary_pattern(image, NEIGHBOURS, 1, "uniform").astype(np.int64)
        return np.bincount(codes.ravel(), minlength=NEIGHBOURS + 2) / codes.size

    return _stack(map_in_threads(of_one, grey(images)))


def spectrum(images: np.ndarray) -> np.ndarray:
    """f32[N,S//2], log10 of the mean power at 1, 2, ... S//2 cycles per image side, all directions.

    Power is that of grey levels 0 to 255; what rounding to whole levels adds is the floor.
    """
    side = images.shape[1]
    along = np.fft.fftfreq(side, 1 / side)
    radius = np.rint(np.hypot(along[:, None], np.abs(along[None, : side // 2 + 1]))).astype(int)
    rings = [radius == cycles for cycles in range(1, side // 2 + 1)]
    found = []
    for start in range(0, len(images), _BATCH):
        block = grey(images[start : start + _BATCH]).astype(np.float32)
        power = np.abs(np.fft.rfft2(block, norm="ortho")) ** 2
        found.append(np.stack([power[:, ring].mean(axis=1) for ring in rings], axis=1))
    power = np.concatenate(found) if found else np.zeros((0, side // 2))
    return np.log10(power + ROUNDING).astype(np.float32)


def random_convolutions(images: np.ndarray) -> np.ndarray:
    """f32[N,64], mean answers of two layers of random filters, the same in every run.

    Networks with random weights tell textures apart well (Saxe et al., 2011).
    """
    channels = images.shape[3]
    rng = np.random.default_rng(_SEED)
    first = rng.standard_normal((5, 5, channels, FILTERS)) / np.sqrt(25 * channels)
    second = rng.standard_normal((3, 3, FILTERS, FILTERS)) / np.sqrt(9 * FILTERS)
    weights = (first.astype(np.float32), second.astype(np.float32))
    return cast(np.ndarray, _mapped()(weights, images))


@functools.cache
def _mapped() -> Callable[..., parallel.Tree]:
    """Compiled once for all sets of a run."""
    return parallel.map_examples(_convolve, _BATCH)


def _convolve(weights: tuple[jax.Array, jax.Array], images: jax.Array) -> jax.Array:
    """u8[B,S,S,C] -> f32[B,2*FILTERS]."""
    x = images.astype(jnp.float32) / 127.5 - 1
    means = []
    for filters in weights:
        x = jax.lax.conv_general_dilated(
            x, filters, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu(x)
        means.append(x.mean(axis=(1, 2)))
    return cast(jax.Array, jnp.concatenate(means, axis=1))


# Images u8[N,S,S,C] -> numbers f32[N,D].
Features = Callable[[np.ndarray], np.ndarray]
FEATURES: dict[str, Features] = {
    "histogram": histogram,
    "glcm": glcm,
    "lbp": lbp,
    "spectrum": spectrum,
    "random_convolutions": random_convolutions,
}
HANDMADE = ("histogram", "glcm", "lbp", "spectrum")


def _stack(rows: Iterable[np.ndarray]) -> np.ndarray:
    return np.stack(list(rows)).astype(np.float32)
