"""Leaves out synthetic images that a search takes for copies, and draws others in their place.

A search that finds copies also flags some images that are none, and misses some that are: what is
left is without the images that it can see, and the generator has learned no less for that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Candidates:
    """Images of a class in the order of their indices, and what a search says of each.

    Attributes:
      images: u8[N,S,S,C].
      alike: space -> likeness f64[N] to the nearest `fit` image.
      flagged: bool[N], which are taken for copies.
    """

    images: np.ndarray
    alike: dict[str, np.ndarray]
    flagged: np.ndarray

    def kept(self, count: int) -> np.ndarray:
        """Returns bool[N]: the first `count` that are not flagged, or all where there are fewer."""
        return ~self.flagged & (np.cumsum(~self.flagged) <= count)


def top_up(
    images: np.ndarray,
    draw: Callable[[np.ndarray], np.ndarray],
    look: Callable[[np.ndarray], Candidates],
    block: int,
    most: int,
) -> Candidates:
    """Draws further images of a class until as many are not flagged as there were at first.

    Args:
      images: u8[N,S,S,C], those of indices 0 to N - 1.
      draw: indices i32[block] -> their images; the indices are those of one aligned block, since
        an image is drawn with the others of its block.
      look: images -> what a search says of them.
      block: images per call of `draw`.
      most: images, beyond which no block is begun.

    Returns:
      All that was looked at; fewer than N of them are not flagged where `most` ended it.
    """
    found, count = look(images), len(images)
    while (~found.flagged).sum() < count and len(found.images) < most:
        there = len(found.images)
        start = there // block * block
        drawn = draw(np.arange(start, start + block, dtype=np.int32))[there - start :]
        more = look(drawn)
        found = Candidates(
            np.concatenate([found.images, drawn]),
            {
                space: np.concatenate([found.alike[space], more.alike[space]])
                for space in more.alike
            },
            np.concatenate([found.flagged, more.flagged]),
        )
    return found
