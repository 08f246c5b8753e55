"""Do networks look at real and at synthetic images alike? Numbers by class, and coarse maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from synthmed_jax.results.explanations import TwoSampleRow
from synthmed_jax.statistics.tests import adjust_for_false_discovery, compare_samples

MAP_CELLS = 8  # along each side of the coarse maps that are compared

# Class -> number's name -> one value per image.
Table = Mapping[str, Mapping[str, Sequence[float]]]


def two_sample_tests(real: Table, synthetic: Table) -> tuple[TwoSampleRow, ...]:
    """Compares each number of each class between real and synthetic images.

    Returns one row per class and number that has two values or more on either side; q adjusts for
    all of these rows.
    """
    pairs = [
        (name, number, of_real, synthetic.get(name, {}).get(number, []))
        for name, numbers in real.items()
        for number, of_real in numbers.items()
    ]
    pairs = [pair for pair in pairs if min(len(pair[2]), len(pair[3])) >= 2]
    tests = [compare_samples(of_real, of_synthetic) for _, _, of_real, of_synthetic in pairs]
    adjusted = adjust_for_false_discovery([test.p for test in tests])
    return tuple(
        TwoSampleRow(
            class_name=name,
            number=number,
            n_real=len(of_real),
            n_synthetic=len(of_synthetic),
            mean_real=float(np.mean(of_real)),
            mean_synthetic=float(np.mean(of_synthetic)),
            superiority=test.superiority,
            p=test.p,
            q=q,
        )
        for (name, number, of_real, of_synthetic), test, q in zip(
            pairs, tests, adjusted, strict=True
        )
    )


def coarse(heat: np.ndarray) -> np.ndarray:
    """Sums of f64[S,S] over MAP_CELLS x MAP_CELLS cells (fewer where S is smaller)."""
    size = len(heat)
    cells = min(MAP_CELLS, size)
    cell = np.arange(size) * cells // size
    summed = np.zeros((cells, cells))
    np.add.at(summed, (cell[:, None], cell[None, :]), heat)
    return summed
