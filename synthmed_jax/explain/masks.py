"""Which regions are shown in each perturbed image: LIME's random masks, and better ones.

Every row of every sampling shows each region with probability 1/2, independently of the others, as
LIME's do, so that all samplings estimate the same weights. They differ in how rows depend on each
other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import hadamard

from synthmed_jax import checks

ROUND = 128  # fewest masks from one look at the errors of weights to the next
# From so many masks per region on, errors of weights are known well, by any sampling.
MASKS_PER_REGION = 4


def draw_masks(
    seed: int, num_samples: int, num_regions: int, sampling: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the masks of one explanation.

    Args:
      seed: 0 <= seed < 2**32.
      num_samples: N >= 1 rows; the first shows everything.
      num_regions: R >= 1.
      sampling: one of SAMPLINGS.

    Returns:
      bool[N,R], True where a region is shown, and i32[N], equal for rows that were drawn together:
      a row and its complement are one piece of evidence, not two. Groups are numbered in order
      from 0, which is the first row alone.

    Raises:
      UserError: an unknown sampling.
    """
    checks.one_of("sampling", sampling, SAMPLINGS)
    masks, group = SAMPLINGS[sampling](seed, num_samples, num_regions)
    return masks[:num_samples], group[:num_samples].astype(np.int32)


def _bernoulli(seed: int, n: int, r: int) -> tuple[np.ndarray, np.ndarray]:
    """The very masks of the package lime 0.2 under this seed."""
    masks = np.random.RandomState(seed).randint(0, 2, n * r).reshape(n, r) == 1
    masks[0] = True
    return masks, np.arange(n)


def _antithetic(seed: int, n: int, r: int) -> tuple[np.ndarray, np.ndarray]:
    """Each random row is followed by its complement.

    The parts of the network's answer that are of even order in the regions (interactions of two,
    say) are equal in both rows, and cancel out of the weights.
    """
    half = np.random.default_rng(seed).random((n // 2 + 1, r)) < 0.5
    return _with_complements(half)


def _balanced(seed: int, n: int, r: int) -> tuple[np.ndarray, np.ndarray]:
    """Antithetic, and any two regions are shown together as often as apart.

    Blocks of a Hadamard matrix above its complement (Box & Wilson's fold-over), with random columns
    and signs: a region's weight is then disturbed by no other's, nor by any interaction of two.
    """
    rng = np.random.default_rng(seed)
    order = _order(r)
    columns = hadamard(order)[:, 1:] > 0
    halves = []
    for _ in range(-(-n // (2 * order))):
        chosen = rng.permutation(order - 1)[:r]
        block = columns[:, chosen] ^ (rng.random(r) < 0.5)
        halves.append(rng.permutation(block))
    return _with_complements(np.concatenate(halves))


def _order(r: int) -> int:
    """The smallest power of two with r columns that vary."""
    return 1 << max(1, r.bit_length())


def round_ends(num_samples: int, num_regions: int) -> list[int]:
    """After how many masks an explanation may stop, in ascending order; the last is `num_samples`.

    Rounds are whole blocks of balanced masks, so that what has been drawn is balanced after each;
    the row that shows everything comes before them. Of the errors nothing is known well before
    MASKS_PER_REGION.

    Args:
      num_samples: N, at most.
      num_regions: R >= 1.
    """
    step = max(ROUND, 2 * _order(num_regions))
    first = -(-MASKS_PER_REGION * num_regions // step) * step
    return [*range(1 + first, num_samples, step), num_samples]


def _with_complements(half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A row that shows all, then each row of bool[M,R] and its complement: bool[1+2M,R], group."""
    pairs = np.stack([half, ~half], axis=1).reshape(-1, half.shape[1])
    everything = np.ones((1, half.shape[1]), bool)
    return np.concatenate([everything, pairs]), np.arange(len(pairs) + 1) + 1 >> 1


SAMPLINGS: dict[str, Callable[[int, int, int], tuple[np.ndarray, np.ndarray]]] = {
    "bernoulli": _bernoulli,
    "antithetic": _antithetic,
    "balanced": _balanced,
}
