"""evaluate/external.json: what the trained networks score on another tree of real images."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.evaluation import CellDifference, CellScores
from synthmed_jax.results.floors import Floors
from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class Shared:
    """External images that the run's own data set holds as well.

    Attributes:
      fit, val, held_out: external images with the same pixels as an image of that part.
      near: external images with a twin or near-duplicate in `fit` or `val`.
      threshold: correlation above which two images are near-duplicates.
    """

    fit: int
    val: int
    held_out: int
    near: int
    threshold: float


@dataclasses.dataclass(frozen=True)
class External(Stored):
    """evaluate/external.json.

    Attributes:
      digest: sha256 (hexadecimal) over the files' paths and contents, and over `classes`.
      class_names: of the run, in the order of the labels.
      classes: class of the run -> folder of the tree; "-" where it has none.
      counts: class of the run -> number of external images.
      left_out: reason -> number of files of the tree that are left out for it.
      note: what is not known about their grey scale, a sentence; "": nothing.
      shared: with the run's own images.
      cells: as in metrics.json; what is called test there are the external images.
      differences: as in metrics.json, on the external images.
      floors: what simple means score on the external images.
      num_groups: groups that intervals of differences are over; None: over images.
      grouped_by: what makes the images of a group belong together; "" without groups.
      by_image: why intervals are over images; "" with groups, and where an earlier version tested.
    """

    digest: str
    class_names: tuple[str, ...]
    classes: dict[str, str]
    counts: dict[str, int]
    left_out: dict[str, int]
    note: str
    shared: Shared
    cells: tuple[CellScores, ...]
    differences: tuple[CellDifference, ...]
    floors: Floors
    num_groups: int | None = None
    grouped_by: str = ""
    by_image: str = ""

    @property
    def num_images(self) -> int:
        """External images of all classes."""
        return sum(self.counts.values())
