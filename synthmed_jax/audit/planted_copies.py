"""Changed copies of real images, planted to see which of them a search for copies would find."""

from __future__ import annotations

import numpy as np

from synthmed_jax.data import planted, warp

ZOOM = "enlarged by 6 %"
_FACTOR = 1.06
_ALSO_PLANTED = ("blur, 1 pixel", "turned by 2 degrees")  # by the search in `split`; not asked here


def plant(images: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Returns changed copies u8[N,S,S,C] of images u8[N,S,S,C], by what was done to them.

    Args:
      seed: of the noise.
    """
    changed = planted.plant(images, seed)
    kept = {how: copies for how, copies in changed.items() if how not in _ALSO_PLANTED}
    return kept | {ZOOM: warp.zoom(images, _FACTOR)}
