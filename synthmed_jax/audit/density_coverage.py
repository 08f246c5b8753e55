"""Density and coverage of a set of features (Naeem et al., 2020, eqs. 4 and 5).

The ball of a real image reaches to its k-th nearest other real image. Density is how many of these
balls a compared image lies in, on average, over k: about 1 where both sets are drawn from one
distribution, lower where compared images lie where no real ones are. Coverage is the share of real
images that have a compared one in their ball: low where kinds of real images are missing.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from synthmed_jax.results.audit import Measured
from synthmed_jax.statistics.intervals import mean_estimate, wilson

NEAREST = 5  # k


def density_coverage(compared: np.ndarray, real: np.ndarray) -> tuple[Measured, Measured]:
    """Returns density, and coverage in [0, 1].

    The interval of density speaks of the choice of the compared images (Student's), that of
    coverage of the choice of the real ones (Wilson's).

    Args:
      compared: f[N,D], two images or more.
      real: f[M,D], more than NEAREST images.

    Raises:
      ValueError: fewer images.
    """
    if len(compared) < 2 or len(real) <= NEAREST:
        raise ValueError(f"density of {len(compared)} images among {len(real)}")
    # The nearest image to an image is itself.
    radii = np.partition(cdist(real, real), NEAREST, axis=1)[:, NEAREST]
    inside = cdist(real, compared) < radii[:, None]
    density = mean_estimate((inside.sum(axis=0) / NEAREST).tolist())
    covered = float(inside.any(axis=1).mean())
    of_density = (density.mean, density.low, density.high)
    return (
        Measured(*(float(number) for number in of_density if number is not None)),
        Measured(covered, *wilson(covered, len(real))),
    )
