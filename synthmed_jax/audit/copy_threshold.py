"""Above which likeness an image is called a copy, from images that are none.

Each `fit` image's nearest other `fit` image, twins and near-duplicates left out, says how alike
different images of this data set come to be. An image is flagged where it is more alike to its
nearest `fit` image than a stated share of those: the false-alarm rate.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from synthmed_jax.results.memorisation import UNION, Rate
from synthmed_jax.statistics.intervals import LEVEL

FALSE_ALARMS = 0.01
"""Share of images that are no copies and yet are to be flagged, in a space and in the union."""


def exact_rate(hits: int, n: int) -> Rate:
    """The share of n trials that are hits, with Clopper and Pearson's exact interval (1934).

    Raises:
      ValueError: n below 1, or hits not in 0 to n.
    """
    found = stats.binomtest(hits, n).proportion_ci(LEVEL, method="exact")
    return Rate(hits, n, hits / n, float(found.low), float(found.high))


def thresholds(alike: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Returns the thresholds that flag FALSE_ALARMS of images that are no copies, or fewer.

    Args:
      alike: space -> likeness f64[N] of the same N different images to their nearest other one.

    Returns:
      Space -> its own threshold, under the key of the space; and UNION -> the thresholds of all
      spaces of which at least one is passed by so many images.

    Raises:
      ValueError: no image, or spaces of different numbers of images.
    """
    counts = {len(each) for each in alike.values()}
    if len(counts) != 1 or counts == {0}:
        raise ValueError(f"can't take thresholds from spaces of {sorted(counts)} images")
    n = counts.pop()
    allowed = int(FALSE_ALARMS * n)
    falling = {space: np.sort(each)[::-1] for space, each in alike.items()}

    def passed_by(rank: int) -> dict[str, float]:
        """Of each space that which `rank` images pass, where no two are equal."""
        return {space: float(each[min(rank, n - 1)]) for space, each in falling.items()}

    own = {space: {space: passed_by(allowed)[space]} for space in alike}
    for rank in range(allowed, -1, -1):
        together = passed_by(rank)
        if flagged(alike, together).sum() <= allowed:
            break
    return own | {UNION: together}


def flagged(alike: Mapping[str, np.ndarray], above: Mapping[str, float]) -> np.ndarray:
    """Returns bool[N]: whose likeness f64[N] is above the threshold in any of the spaces."""
    return np.any([alike[space] > threshold for space, threshold in above.items()], axis=0)
