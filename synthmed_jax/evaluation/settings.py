"""The config block `evaluate`, field by field as in configs/base.py."""

from __future__ import annotations

import dataclasses

from synthmed_jax import checks


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """How results are read.

    Attributes:
      margin: loss of balanced accuracy, share of 1, up to which synthetic images count as good
        enough to stand in for real ones; above 0 and below 1.

    Raises UserError for a value out of range.
    """

    margin: float

    def __post_init__(self) -> None:
        checks.above("config.evaluate.margin", self.margin, 0)
        checks.between("config.evaluate.margin", self.margin, 0, 1)
