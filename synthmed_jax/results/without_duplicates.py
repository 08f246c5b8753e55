"""evaluate/without_duplicates.json: scores on test images without a near-duplicate."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.cells import Cell
from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class ShareRight:
    """Shares of right predictions, means over the folds; 0 to 1.

    Attributes:
      accuracy: of all images.
      balanced_accuracy: mean over the classes that occur of their share.
    """

    accuracy: float
    balanced_accuracy: float


@dataclasses.dataclass(frozen=True)
class CellWithout(Cell):
    """A cell, and what its networks score.

    Attributes:
      on_all: on all test images.
      on_new: on those without a near-duplicate in `fit` or `val`; None where there is none.
    """

    on_all: ShareRight
    on_new: ShareRight | None


@dataclasses.dataclass(frozen=True)
class WithoutDuplicates(Stored):
    """evaluate/without_duplicates.json.

    Attributes:
      num_test: real test images.
      num_new: those that neither a twin nor a chain of near-duplicates links to `fit` or `val`.
      cells: in the order of metrics.json.
    """

    num_test: int
    num_new: int
    cells: tuple[CellWithout, ...]
