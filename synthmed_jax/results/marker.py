"""stages/<stage>.json: how far a stage is, and what its output depends on."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from synthmed_jax.results.stored import Document, Stored


@dataclasses.dataclass(frozen=True)
class Marker(Stored):
    """A stage's marker.

    Attributes:
      status: "started" before its first output, "finished" after its last.
      fields: config field -> value, those that the stage reads.
      inputs: name -> digest, what it reads from earlier stages.
      units: of its work that are done.
    """

    VERSION: ClassVar[int] = 2

    status: Literal["started", "finished"]
    fields: dict[str, object]
    inputs: dict[str, str]
    units: tuple[str, ...]

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """Version 2: what was called cells is called units."""
        units = document.pop("cells")
        return document | {"units": units}
