"""split/inventory.json: what was found in the data set's folder, class by class."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class ClassInventory:
    """What was found of one class.

    Attributes:
      name: of the class.
      images, files: their numbers; a file that is a stack holds several images.
      formats: format and depth of the values -> number of images.
      sizes: (width, height) as stored -> number of images, the most frequent first.
      brightness: median over the images of their mean grey level, 0 (black) to 255.
      nearly_black, nearly_white: images without a pixel that is brighter than 31, darker than 224.
      coloured: images whose channels differ.
      copies: files that are, byte for byte, a copy of another file of this class.
      groups: number of groups (patients), None where nothing groups the images.
      group_sizes: fewest, median and most images of one group in this class.
      border: median over the images of the share of black border that makes them square.
      patients: number of patients that DICOM files name and the split does not heed; None: none.
      patient_sizes: fewest, median and most images of one of them in this class.
    """

    name: str
    images: int
    files: int
    formats: dict[str, int]
    sizes: dict[str, int]
    brightness: float
    nearly_black: int
    nearly_white: int
    coloured: int
    copies: int
    groups: int | None
    group_sizes: tuple[int, ...]
    border: float
    patients: int | None = None
    patient_sizes: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class LeftOutFiles:
    """Files that are left out for one reason.

    Attributes:
      class_name: "" where it is not known.
      reason: in words.
      count: of the files.
      examples: the first of them, each with what is wrong with it, if that differs.
    """

    class_name: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Inventory(Stored):
    """split/inventory.json.

    Attributes:
      classes: what was found of each.
      left_out: what is no part of the data set.
      grey_scales: which values became black and white, one sentence per kind of file.
      groups: how many groups there are, and their sizes; "" where nothing groups the images.
      stacks: how many images of the files that hold several are used; "" where there are none.
      warnings: what may make the results wrong, in sentences.
      patients: how many patients the DICOM files name, where the split does not heed them; else "".
    """

    classes: tuple[ClassInventory, ...]
    left_out: tuple[LeftOutFiles, ...]
    grey_scales: tuple[str, ...]
    groups: str
    stacks: str
    warnings: tuple[str, ...]
    patients: str = ""
