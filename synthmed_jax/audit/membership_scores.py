"""What attacks on membership say of real images: scores that are high for learned ones."""

from __future__ import annotations

import numpy as np

from synthmed_jax.data.held_out import MembershipSets
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation.memorisation import nearest

# Scores of the members and of the others, f64[N] each.
Scores = tuple[np.ndarray, np.ndarray]


def calibrate(losses: np.ndarray, references: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """Losses less the mean of those of generators that have not learned the image.

    An image that is hard for every generator has a high loss, learned or not (Watson et al., 2022).

    Args:
      losses: f64[N,L], of the generator under attack.
      references: f64[R,N,L], of other generators.
      learned: bool[R,N], which of these have learned an image: they are not asked about it.

    Returns:
      f64[N,L]; NaN for an image that all of them have learned.
    """
    asked = ~learned[:, :, None]
    number = asked.sum(axis=0)
    means = np.where(asked, references, 0).sum(axis=0) / np.maximum(number, 1)
    return np.where(number > 0, losses - means, np.nan)


def loss_scores(of_members: np.ndarray, of_others: np.ndarray) -> Scores:
    """Less the mean over levels of losses f64[N,L], each in units of its level's mean.

    The mean is over members and others together, so that it knows nothing of who is who. Without
    it, the level with the most noise would outweigh the others.
    """
    units = np.concatenate([of_members, of_others]).mean(axis=0)
    return -(of_members / units).mean(axis=1), -(of_others / units).mean(axis=1)


def calibrated_scores(
    losses: tuple[np.ndarray, np.ndarray], calibrated: tuple[np.ndarray, np.ndarray]
) -> Scores:
    """As `loss_scores`, of what `calibrate` returns for members and for others.

    The units are those of the losses themselves: calibrated ones have a mean near 0.
    """
    units = np.concatenate(losses).mean(axis=0)
    return -(calibrated[0] / units).mean(axis=1), -(calibrated[1] / units).mean(axis=1)


def nearness_scores(sets: MembershipSets, synthetic: ImageSet, flips: str) -> Scores:
    """Less the distance of each real image to the nearest synthetic one.

    Args:
      synthetic: one image or more.
      flips: as in `memorisation.nearest`.
    """
    return (
        -nearest(sets.members.images, synthetic.images, flips)[1],
        -nearest(sets.others.images, synthetic.images, flips)[1],
    )
