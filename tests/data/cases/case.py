"""What a case is: a folder as people have it, and what must become of it.

The cases are tested end to end (cases_test.py), and docs/data.md has a table that is made from them
(table.py): what it says of a folder is what a test has seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

BRIGHTEST = "brightest"
DARKEST = "darkest"


@dataclasses.dataclass(frozen=True)
class Grey:
    """The grey level that a value in a file must become.

    Attributes:
      what: the value, in words for the table: "200 HU"; "": the table does not have it.
      level: 0 (black) to 255 (white).
      file: name of the image in the data set; "": every image.
      at: (row, column) of a pixel, or BRIGHTEST or DARKEST of the image.
      tolerance: by how many levels it may miss.
    """

    what: str
    level: int
    file: str = ""
    at: tuple[int, int] | str = BRIGHTEST
    tolerance: int = 1


@dataclasses.dataclass(frozen=True)
class Found:
    """What must be found in a folder that is accepted.

    Attributes:
      counts: class -> number of images.
      left_out: reason -> number of files that are left out for it.
      greys: what values must become.
      groups: how many patients there are, as it is printed; "": it is not looked at.
      patients: how many patients the files name that the split does not heed, as it is printed.
      warning: a regular expression for one of the warnings; "": there is to be none.
    """

    counts: Mapping[str, int]
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)
    greys: tuple[Grey, ...] = ()
    groups: str = ""
    patients: str = ""
    warning: str = ""


@dataclasses.dataclass(frozen=True)
class Case:
    """A folder, and what must become of it.

    Attributes:
      name: of the test.
      what: what lies in the folder, for the table.
      draw: makes the folder's content.
      found: what is found once it is accepted; None: it can't be, as it is.
      how: what else the table says, Markdown; of a folder that can't be accepted, what to do.
      flags: fields that are set from the start, "data.slices" -> "middle".
      refused: a regular expression for the message that refuses it; "": it is not refused.
      then: fields that this message names, with which the folder is accepted.
      below: the folder in it that `data.dir` names; "": itself.
      workdir: the run's folder, below `data.dir`; "": elsewhere.
      not_as_root: whether root sees none of it: root may read everything.
    """

    name: str
    what: str
    draw: Callable[[Path], None]
    found: Found | None = None
    how: str = ""
    flags: Mapping[str, str | int | bool] = dataclasses.field(default_factory=dict)
    refused: str = ""
    then: Mapping[str, str | int | bool] = dataclasses.field(default_factory=dict)
    below: str = ""
    workdir: str = ""
    not_as_root: bool = False
