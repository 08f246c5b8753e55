"""split/files.json: the data set's files when it was split, to say later which have changed."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class DataFiles(Stored):
    """The files of a data set: those that could not be decoded are among them.

    Attributes:
      classes: class -> file -> sha256 of its content (hexadecimal).
    """

    classes: dict[str, dict[str, str]]
