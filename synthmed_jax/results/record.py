"""record.json: what a finished run says, in one file without images and networks."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TypeVar

from synthmed_jax.results.stored import Document, Stored

Kind = TypeVar("Kind", bound=Stored)
_FIRST = ord("0")  # the character of class 0


@dataclasses.dataclass(frozen=True)
class Made:
    """How a run was made.

    Attributes:
      commit: of the program in the last command, or why it is not known.
      cpu: the model's name.
      devices: JAX's, "platform:kind" each.
      seconds: stage -> what it took.
      commits: stage -> those that made it, in the order of its runs; {} where that was not kept.
    """

    commit: str
    cpu: str
    devices: tuple[str, ...]
    seconds: dict[str, float]
    commits: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Record(Stored):
    """record.json. It names files of the data set, and no folder of a machine.

    Attributes:
      fields: config field -> value, those that the results depend on.
      inputs: "<stage>: <name>" -> digest, or text, of what else they depend on.
      trainings: units of the stage classify: cells, or a training each where they are of seeds.
      class_names: in the order of the labels.
      files: of the N test images, in the order of the split.
      labels: of these, a character each: "0" is the first class, ":" the eleventh, as in ASCII.
      groups: of these; none where images were not kept together.
      answers: "<a network's cell>/<number of its training>" -> what it calls each image, as labels.
      documents: path below the workdir -> content of the JSON file there; of explanations the
        summary alone, without the single images.
      made: None where run.json is gone.
    """

    fields: dict[str, object]
    inputs: dict[str, str]
    trainings: tuple[str, ...]
    class_names: tuple[str, ...]
    files: tuple[str, ...]
    labels: str
    groups: tuple[int, ...]
    answers: dict[str, str]
    documents: dict[str, object]
    made: Made | None

    def document(self, kind: type[Kind], name: str, path: pathlib.Path) -> Kind | None:
        """Returns one of the documents, or None where the run has none of this name.

        Args:
          kind: of the file.
          name: its path below the workdir.
          path: the record's file, for errors.

        Raises:
          UserError: this version can't read it.
        """
        document = self.documents.get(name)
        if document is None:
            return None
        return kind.from_document(_checked(document), path / name)


def _checked(document: object) -> Document:
    assert isinstance(document, dict)  # the record's seal holds, and nothing else was written
    return document


def to_characters(labels: list[int]) -> str:
    """Returns a character per label, from "0"."""
    return "".join(chr(_FIRST + label) for label in labels)


def from_characters(text: str) -> list[int]:
    """Returns the labels of `to_characters`."""
    return [ord(character) - _FIRST for character in text]
