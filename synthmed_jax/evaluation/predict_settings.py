"""The config block `predict`, field by field as in configs/base.py."""

from __future__ import annotations

import dataclasses
import pathlib

from synthmed_jax.data.settings import names


@dataclasses.dataclass(frozen=True)
class PredictSettings:
    """Which new images are labelled, and by which network.

    Attributes:
      dir: the folder of the images; "": none.
      arm: the arm whose best network by validation answers.
      explain: globs of the images whose answer is explained in a picture, separated by commas; "":
        none.
    """

    dir: str
    arm: str
    explain: str

    @property
    def folder(self) -> pathlib.Path:
        """The folder of the images."""
        return pathlib.Path(self.dir).expanduser()

    @property
    def explained(self) -> tuple[str, ...]:
        """The globs."""
        return names(self.explain)
