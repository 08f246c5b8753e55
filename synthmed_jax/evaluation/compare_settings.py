"""The config block `compare`, field by field as in configs/base.py."""

from __future__ import annotations

import dataclasses
import pathlib

from synthmed_jax.evaluation.pool_settings import folders_of


@dataclasses.dataclass(frozen=True)
class CompareSettings:
    """Which runs are set side by side.

    Attributes:
      workdirs: finished workdirs, separated by commas; "": none.
    """

    workdirs: str

    @property
    def folders(self) -> tuple[pathlib.Path, ...]:
        """The workdirs."""
        return folders_of(self.workdirs)
