"""Where two sets of images differ: in which pixels, in which ring of pixels, at which frequency."""

from __future__ import annotations

import dataclasses

import numpy as np

from synthmed_jax.audit.features import ROUNDING, grey, spectrum
from synthmed_jax.results.audit import Place

_BLOCK = 256


@dataclasses.dataclass(frozen=True, eq=False)
class Sums:
    """What is kept of a set of images.

    Attributes:
      mean: f64[S,S,C], of grey levels 0 to 255.
      variance: f64[S,S,C], between images.
      ring_means: f64[N,R], mean level of each ring of pixels, the outermost first.
      ring_spreads: f64[N,R], standard deviation of the levels within each ring.
      spectra: f32[N,S//2], as of `features.spectrum`.
    """

    mean: np.ndarray
    variance: np.ndarray
    ring_means: np.ndarray
    ring_spreads: np.ndarray
    spectra: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Difference:
    """The first set less the second.

    Attributes:
      of_means: f64[S,S], grey levels, mean over channels.
      standardised: f64[S,S], in standard deviations between images, of the channel that differs
        most.
      rings, frequencies: the same of rings' mean levels f64[R] and of spectra f64[S//2].
      place: where it is largest.
    """

    of_means: np.ndarray
    standardised: np.ndarray
    rings: np.ndarray
    frequencies: np.ndarray
    place: Place


def sum_up(images: np.ndarray) -> Sums:
    """Of images u8[N,S,S,C], one or more."""
    total = np.zeros(images.shape[1:])
    squares = np.zeros(images.shape[1:])
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK].astype(np.float64)
        total += block.sum(axis=0)
        squares += np.square(block).sum(axis=0)
    mean = total / len(images)
    ring_means, ring_spreads = _rings(grey(images))
    variance = np.maximum(squares / len(images) - mean**2, 0)
    return Sums(mean, variance, ring_means, ring_spreads, spectrum(images))


def _rings(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation f64[N,R] of each ring of images u8[N,S,S]."""
    side = images.shape[1]
    along = np.minimum(np.arange(side), np.arange(side)[::-1])
    ring = np.minimum(along[:, None], along[None, :])
    levels = [images[:, ring == number] for number in range(ring.max() + 1)]
    means = np.stack([each.mean(axis=1) for each in levels], axis=1)
    return means, np.stack([each.std(axis=1) for each in levels], axis=1)


def subtract(first: Sums, second: Sums) -> Difference:
    """Says how the first set differs from the second."""
    of_channels = _standardise(
        first.mean - second.mean, (first.variance + second.variance) / 2 + ROUNDING
    )
    most = np.abs(of_channels).argmax(axis=2)[..., None]
    standardised = np.take_along_axis(of_channels, most, axis=2)[..., 0]
    rings = {
        "mean": _between(first.ring_means, second.ring_means, ROUNDING),
        "spread": _between(first.ring_spreads, second.ring_spreads, ROUNDING),
    }
    # Powers are never nearer than rounding lets them be; this keeps the quotient finite alone.
    frequencies = _between(first.spectra, second.spectra, 1e-6)
    by = max(rings, key=lambda name: float(np.abs(rings[name]).max()))
    ring = int(np.abs(rings[by]).argmax())
    cycles = int(np.abs(frequencies).argmax())
    row, column = np.unravel_index(np.abs(standardised).argmax(), standardised.shape)
    return Difference(
        (first.mean - second.mean).mean(axis=2),
        standardised,
        rings["mean"],
        frequencies,
        Place(
            ring=ring,
            ring_by=by,
            of_ring=float(rings[by][ring]),
            cycles=cycles + 1,
            of_cycles=float(frequencies[cycles]),
            row=int(row),
            column=int(column),
            of_pixel=float(standardised[row, column]),
        ),
    )


def _between(first: np.ndarray, second: np.ndarray, least: float) -> np.ndarray:
    """Standardised difference f64[D] of numbers f[N,D] and f[M,D]; `least`: added to variances."""
    variance = (first.var(axis=0) + second.var(axis=0)) / 2
    return _standardise(first.mean(axis=0) - second.mean(axis=0), variance + least)


def _standardise(difference: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return np.asarray(difference / np.sqrt(variance), np.float64)
