"""The config block `evaluate`, field by field as in configs/base.py."""

from __future__ import annotations

import dataclasses

from synthmed_jax import checks
from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """How results are read.

    Attributes:
      margin: loss of balanced accuracy, share of 1, up to which synthetic images count as good
        enough to stand in for real ones; above 0 and below 1.
      external_dir: "" or another tree of images of the run's classes (data/external.py).
      external_classes: "" or "class=folder of that tree", with commas.

    Raises UserError for a value out of range, and for names of classes without a tree.
    """

    margin: float
    external_dir: str = ""
    external_classes: str = ""

    def __post_init__(self) -> None:
        checks.above("config.evaluate.margin", self.margin, 0)
        checks.between("config.evaluate.margin", self.margin, 0, 1)
        if self.external_classes and not self.external_dir:
            raise UserError(
                f"config.evaluate.external_classes={self.external_classes!r} names folders of "
                "config.evaluate.external_dir, which is '': set that too"
            )
