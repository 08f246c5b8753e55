"""stages/<stage>.json: how far a stage is, and what its output depends on."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from synthmed_jax.results.stored import Document, Stored

Status = Literal["started", "failed", "finished"]
PER_CLASS = " a class"  # ends the unit of what is made of the whole synthetic set: "500 a class"


@dataclasses.dataclass(frozen=True)
class Marker(Stored):
    """A stage's marker.

    Attributes:
      status: "started" before its first output, "finished" after its last; "failed" where its
        settings can't work (a loss that is not finite, too little memory).
      fields: config field -> value, those that the stage reads.
      inputs: name -> digest, what it reads from earlier stages.
      units: of its work that are done.
      files: path below the workdir -> sha256, what it left when it was finished; none in files of
        earlier versions.
    """

    VERSION: ClassVar[int] = 2

    status: Status
    fields: dict[str, object]
    inputs: dict[str, str]
    units: tuple[str, ...]
    files: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """Version 2: what was called cells is called units."""
        units = document.pop("cells")
        return document | {"units": units}
