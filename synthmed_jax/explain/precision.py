"""How sure an explanation is of what a picture of it shows, and when that is enough."""

from __future__ import annotations

import numpy as np

NUM_REGIONS = 5  # that a picture outlines and signs, at most
LEAST = 0.1  # of the largest magnitude: weaker weights are never outlined or signed
NOTHING = 1e-12  # a weight below it is none
# Relative errors after 1000 perturbed images below which a tenth, half and nine tenths of images
# are: ResNet-18 on phantoms and on CT slices, 32 pixels, means of both (docs/measurements.md).
TYPICAL_ERRORS = (0.024, 0.09, 0.16)


def strongest(weights: np.ndarray, count: int = NUM_REGIONS) -> list[int]:
    """The regions of the largest magnitude, at most `count`, none that is next to nothing.

    Args:
      weights: f64[R].
    """
    size = np.abs(weights)
    order = np.argsort(-size, kind="stable")[:count]
    least = max(LEAST * size[order[0]], NOTHING)
    return [int(region) for region in order if size[region] >= least]


def relative_error(weights: np.ndarray, errors: np.ndarray) -> float:
    """Root mean square of the strongest regions' standard errors, over the largest weight.

    By so much of its scale the colours of the regions that a picture marks are off. 0 where no
    region has a weight: there is nothing to be unsure of; NaN where the errors are not known.

    Args:
      weights, errors: f64[R].
    """
    shown = strongest(weights)
    if not shown:
        return 0.0
    return float(np.sqrt((errors[shown] ** 2).mean()) / np.abs(weights).max())


def expected_samples(precision: float, ends: list[int]) -> float:
    """About how many perturbed images an explanation takes to reach a precision.

    Errors fall with the square root of their number.

    Args:
      precision: relative error at which it stops; 0: at the last end.
      ends: at which it may stop, in ascending order.
    """
    if precision == 0:
        return float(ends[-1])
    needed = [1000 * (error / precision) ** 2 for error in TYPICAL_ERRORS]
    return float(np.mean(np.clip(needed, ends[0], ends[-1])))
