"""Whether more images are flagged as copies than false alarms explain.

Some hundred `fit` images tell a share of 1 % of false alarms from one of 2 % poorly, and so would
miss a set of which one image in a hundred is a copy. But copies are far more alike to their
originals than false alarms are. So a second, stricter threshold is taken, beyond most of the images
that it comes from: the likeness of different images is taken to become rarer exponentially there,
on the scale of -log(1 - likeness), which falls off no faster than a normal distribution does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from synthmed_jax.results.memorisation import Rate

STRICT_FALSE_ALARMS = 0.001
"""At most this share of images that are no copies passes a strict threshold of any space."""
TOLERATED = 0.1
"""Share of flagged images that smoothness may explain: of unseen real images of the leukemia set,
blurred by one pixel, 7 % were flagged at a false-alarm rate of 1 %. A convention, chosen after that
was seen: that this set is not called one of copies is no test of it."""
FEWEST_IN_TAIL = 10
"""The tail is described from so many images or more."""
_TAIL = 0.1  # share of images that it starts at
FEWEST = round(FEWEST_IN_TAIL / _TAIL)
"""So many different images, or few more, have such a tail."""
_DOUBT = 0.0005  # chance that the tail, or its start, is beyond what is taken for the worst
_CLOSEST = 1e-6  # 1 - likeness of images that are taken for equal


def strict_thresholds(alike: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Returns, by space, a threshold that hardly any image passes that is no copy.

    Args:
      alike: space -> likeness f64[N] of different images to their nearest other one.

    Returns:
      Empty where the tail of N images holds fewer than FEWEST_IN_TAIL.
    """
    found = {}
    for space, each in alike.items():
        scale = -np.log(np.maximum(1 - each, _CLOSEST))
        start = np.quantile(scale, 1 - _TAIL)
        beyond = scale[scale > start] - start
        count = len(beyond)
        if count < FEWEST_IN_TAIL:
            return {}
        # The largest mean and the largest share that would give so little as was seen.
        mean = 2 * beyond.sum() / stats.chi2.ppf(_DOUBT, 2 * count)
        share = stats.beta.ppf(1 - _DOUBT, count + 1, len(scale) - count)
        allowed = STRICT_FALSE_ALARMS / len(alike)
        found[space] = float(1 - np.exp(-(start + mean * np.log(share / allowed))))
    return found


def excess_p(flagged: Rate, false_alarms: Rate) -> float:
    """p of so many flagged images or more, if they were flagged at the rate of false alarms.

    Both numbers are drawn by chance, that of false alarms too: under the hypothesis that the rate
    is the same, their sum is spread over both sets as by a hypergeometric draw (Fisher's exact
    test, one-sided). It says that the sets differ: images that are only smoother than real ones
    may be flagged more often too.

    Args:
      flagged: of the images in question.
      false_alarms: of different images, at the same threshold.
    """
    table = [[each.hits, each.n - each.hits] for each in (flagged, false_alarms)]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def copies_p(flagged: Rate, strictly: Rate, num_spaces: int) -> float:
    """p of what was flagged, if no image were a copy, even if they were smoother than real ones.

    Copies show in two ways. At the strict threshold the number of flagged images is binomial with
    STRICT_FALSE_ALARMS at most, but for the small chance that the tail was misjudged, which is
    added. At the ordinary one it is compared with TOLERATED. The smaller p counts, twice, for there
    are two.

    Args:
      flagged: of the images in question, at the ordinary threshold.
      strictly: of them, at the strict one.
      num_spaces: that the strict thresholds are of.
    """
    strict = stats.binomtest(strictly.hits, strictly.n, STRICT_FALSE_ALARMS, "greater").pvalue
    ordinary = stats.binomtest(flagged.hits, flagged.n, TOLERATED, "greater").pvalue
    return min(1.0, 2 * min(float(ordinary), float(strict) + 2 * _DOUBT * num_spaces))
