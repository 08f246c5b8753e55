"""split/split.json: which images are `fit` and `val`, and how many are `test`."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class SplitEntry:
    """One image of a part: its file, its class's name, and its group where there are groups."""

    file: str
    label: str
    group: int | None = None


@dataclasses.dataclass(frozen=True)
class PartCounts:
    """Numbers of images of one class."""

    total: int
    fit: int
    val: int
    test: int


@dataclasses.dataclass(frozen=True)
class SplitFile(Stored):
    """split/split.json, less the list of test images, which data/held_out.py alone reads.

    Attributes:
      rule: how the counts came about, in words.
      seed: of the draw.
      data_hash: sha256 of the data set's content.
      class_names: in the order of the labels.
      counts: class -> numbers of images.
      unreadable: files that were left out.
      fit, val: the images of these parts.
      grouped_by: what kept images together; "" where nothing did, and in files of versions that
        did not write it down.
    """

    WITHHELD: ClassVar[frozenset[str]] = frozenset({"test"})

    rule: str
    seed: int
    data_hash: str
    class_names: tuple[str, ...]
    counts: dict[str, PartCounts]
    unreadable: tuple[str, ...]
    fit: tuple[SplitEntry, ...]
    val: tuple[SplitEntry, ...]
    grouped_by: str = ""

    @property
    def is_grouped(self) -> bool:
        """Whether images were kept together: those of a patient, of a stack.

        Groups of one image each keep nothing together.
        """
        groups = [entry.group for entry in (*self.fit, *self.val)]
        return None not in groups and len(set(groups)) < len(groups)
