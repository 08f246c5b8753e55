"""Leaves synthetic images out for stated reasons, and draws others in their place.

A search that finds copies also flags some images that are none, and misses some that are: what is
left is without the images that it can see, and the generator has learned no less for that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from synthmed_jax.data.image_set import ImageSet


@dataclasses.dataclass(frozen=True, eq=False)
class Candidates:
    """Images of a class in the order of their indices, and what is said of each.

    Attributes:
      images: u8[N,S,S,C].
      scores: name -> f64[N], what decides.
      reasons: why images are left out (one of settings.FILTERS) -> bool[N], which ones are.
    """

    images: np.ndarray
    scores: dict[str, np.ndarray]
    reasons: dict[str, np.ndarray]

    @property
    def left_out(self) -> np.ndarray:
        """bool[N], which are left out for any reason."""
        return np.any([*self.reasons.values()], axis=0)

    def kept(self, count: int) -> np.ndarray:
        """Returns bool[N]: the first `count` that aren't left out, or all where there are fewer."""
        return ~self.left_out & (np.cumsum(~self.left_out) <= count)

    def followed_by(self, more: Candidates) -> Candidates:
        """Returns these images and then others, of the same scores and reasons."""
        return Candidates(
            np.concatenate([self.images, more.images]),
            _joined(self.scores, more.scores),
            _joined(self.reasons, more.reasons),
        )


def _joined(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def top_up(
    images: np.ndarray,
    draw: Callable[[np.ndarray], np.ndarray],
    look: Callable[[np.ndarray], Candidates],
    block: int,
    most: int,
) -> Candidates:
    """Draws further images of a class until as many are not left out as there were at first.

    Args:
      images: u8[N,S,S,C], those of indices 0 to N - 1.
      draw: indices i32[block] -> their images; the indices are those of one aligned block, since
        an image is drawn with the others of its block.
      look: images -> what is said of them.
      block: images per call of `draw`.
      most: images, beyond which no block is begun.

    Returns:
      All that was looked at; fewer than N of them are not left out where `most` ended it.
    """
    found, count = look(images), len(images)
    while (~found.left_out).sum() < count and len(found.images) < most:
        there = len(found.images)
        start = there // block * block
        drawn = draw(np.arange(start, start + block, dtype=np.int32))[there - start :]
        found = found.followed_by(look(drawn))
    return found


def at_their_places(filtered: ImageSet, before: ImageSet) -> ImageSet:
    """Orders a filtered set as the one that it was made from.

    Others of its class stand in the places of those that were left out. So equal draws from both
    differ by what was left out alone, and not by chance.

    Args:
      filtered, before: of each class as many; images of one name are the same.
    """
    place, known = {file: i for i, file in enumerate(filtered.files)}, set(before.files)
    order = np.array([place.get(file, -1) for file in before.files])
    is_new = np.array([file not in known for file in filtered.files])
    for label in range(len(before.class_names)):
        added = np.flatnonzero((filtered.labels == label) & is_new)
        order[(before.labels == label) & (order < 0)] = added
    return filtered.subset(order)
