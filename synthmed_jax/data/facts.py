"""What was seen of each image when it was decoded, and what was left out; beside the array."""

from __future__ import annotations

import dataclasses

from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.results.stored import Stored

UNREADABLE = "unreadable"
"""The reason of files that can't be decoded, in `LeftOut.reason`."""
NO_IMAGE = "holds no image"
"""The reason of files that are as they should be, and no images: reports, plans, contours."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What was seen of the images: one entry of each column per image.

    Columns, not rows: twenty thousand objects would take more memory than the images.

    Attributes:
      sources: the file that it is from; of a stack, many images are.
      sha256: of that file.
      frames: how many images that file holds.
      formats: of the file, and what its values are: "PNG 8-bit", "DICOM CT".
      widths, heights: as stored, pixels.
      means, darkest, brightest: grey levels of the image as the generator gets it, 0 to 255.
      extremes: share of the pixels that are black (0) or white (255), 0 to 1.
      coloured: whether the file has colours.
    """

    sources: tuple[str, ...]
    sha256: tuple[str, ...]
    frames: tuple[int, ...]
    formats: tuple[str, ...]
    widths: tuple[int, ...]
    heights: tuple[int, ...]
    means: tuple[float, ...]
    darkest: tuple[int, ...]
    brightest: tuple[int, ...]
    extremes: tuple[float, ...]
    coloured: tuple[bool, ...]


@dataclasses.dataclass(frozen=True)
class GreyScale:
    """Which values of one kind of files became black and white, and why these."""

    kind: str
    low: float
    high: float
    why: str


@dataclasses.dataclass(frozen=True)
class Listing(Stored):
    """The file beside an array of decoded images; it makes the array valid.

    Attributes:
      files: the images' names: their file's path, and the position in it where it is a stack.
      labels: indices of their classes.
      facts: what was seen of them.
      left_out: files that can't be decoded, or hold no image.
      grey_scales: of the kinds of files that are not 8-bit.
      pixels: sha256 of the array.
    """

    files: tuple[str, ...]
    labels: tuple[int, ...]
    facts: Facts
    left_out: tuple[LeftOut, ...]
    grey_scales: tuple[GreyScale, ...]
    pixels: str = ""
