"""What another tree of real images shares with the run's own."""

from __future__ import annotations

from synthmed_jax.data import near_duplicates, twins
from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet, concatenate
from synthmed_jax.results.external import Shared


def count_shared(external: ImageSet, parts: Parts, held_out: ImageSet, threshold: float) -> Shared:
    """Counts the external images that are known from the run's own data set.

    Args:
      external, parts, held_out: images of one size, as the generator gets them.
      threshold: correlation above which two images are near-duplicates.
    """

    def twins_in(part: ImageSet) -> int:
        return int(twins.are_among(external.images, part.images).sum())

    known = concatenate(parts.fit, parts.val)
    near = near_duplicates.are_near(external.images, known.images, threshold)
    return Shared(
        twins_in(parts.fit), twins_in(parts.val), twins_in(held_out), int(near.sum()), threshold
    )
