"""What was seen of each image when it was decoded, and what was left out; beside the array."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.errors import Damaged
from synthmed_jax.files import read_array, write_array
from synthmed_jax.results.stored import Stored

UNREADABLE = "unreadable"
"""The reason of files that can't be decoded, in `LeftOut.reason`."""
NO_IMAGE = "holds no image"
"""The reason of files that are as they should be, and no images: reports, plans, contours."""

LISTING_VERSION = 2
"""Part of the key of cached arrays: raise it when the files of a `Listing` change."""

# What is known of each image beside names. Of 100,000 images, the same as Python's numbers and
# texts took more memory than all else that grows with their number.
ROW = np.dtype(
    [
        ("label", "<i4"),  # index of its class
        ("sha256", "V32"),  # of its file
        ("frames", "<i8"),  # how many images that file holds, as it says
        ("format", "<i4"),  # index in `Facts.formats`
        ("width", "<i4"),  # as stored, pixels
        ("height", "<i4"),
        # Grey levels of the image as the generator gets it, 0 to 255.
        ("mean", "<f8"),
        ("darkest", "u1"),
        ("brightest", "u1"),
        ("extremes", "<f8"),  # share of the pixels that are black (0) or white (255), 0 to 1
        ("coloured", "?"),  # whether the file has colours
    ]
)
_BETWEEN = "\0"  # the one character that no name of a file has


@dataclasses.dataclass(frozen=True, eq=False)
class Facts:
    """What was seen of N images.

    Attributes:
      sources: N names of the files that they are from; of a stack, many images are.
      formats: the formats of these files, and what their values are: "PNG 8-bit", "DICOM CT".
      rows: ROW[N].
    """

    sources: tuple[str, ...]
    formats: tuple[str, ...]
    rows: np.ndarray

    def count_formats(self, indices: np.ndarray) -> dict[str, int]:
        """Returns format -> how many of the images `indices` (i64[M]) have it; the most first."""
        counts = np.bincount(self.rows["format"][indices], minlength=len(self.formats))
        found = {name: int(n) for name, n in zip(self.formats, counts, strict=True) if n}
        return dict(sorted(found.items(), key=lambda each: -each[1]))

    def is_of(self, name: str) -> np.ndarray:
        """Returns bool[N]: whose file's format begins with a name."""
        return np.asarray([each.startswith(name) for each in self.formats], bool)[
            self.rows["format"]
        ]


@dataclasses.dataclass(frozen=True)
class GreyScale:
    """Which values of one kind of files became black and white, and why these."""

    kind: str
    low: float
    high: float
    why: str


@dataclasses.dataclass(frozen=True, eq=False)
class Listing:
    """All about N decoded images but their pixels.

    Attributes:
      files: the images' names: their file's path, and the position in it where it is a stack.
      facts: what was seen of them.
      left_out: files that can't be decoded, or hold no image.
      grey_scales: of the kinds of files that are not 8-bit.
      pixels: sha256 of the array of their pixels; "" as long as it is being written.
    """

    files: tuple[str, ...]
    facts: Facts
    left_out: tuple[LeftOut, ...]
    grey_scales: tuple[GreyScale, ...]
    pixels: str = ""

    def write(self, path: Path) -> None:
        """Writes the listing, `path`, and beside it its rows; the former makes the latter valid."""
        write_array(_rows_of(path), self.facts.rows, self.pixels)
        sources = () if self.facts.sources == self.files else self.facts.sources
        kept = KeptListing(
            _BETWEEN.join(self.files),
            _BETWEEN.join(sources),
            self.facts.formats,
            self.left_out,
            self.grey_scales,
            self.pixels,
        )
        kept.write(path)

    @classmethod
    def read_if_there(cls, path: Path) -> Listing | None:
        """Reads what `write` wrote, or returns None where there is none.

        Raises:
          Damaged: it is not what was written.
        """
        kept = KeptListing.read_if_there(path)
        if kept is None:
            return None
        files = _names(kept.files)
        rows = _rows_of(path)
        try:
            array, made_of = read_array(rows)
        except OSError as error:  # such as: it was removed
            raise Damaged(rows, f"can't be read ({error.strerror})") from error
        if made_of != kept.pixels or array.dtype != ROW or array.shape != (len(files),):
            raise Damaged(rows, f"is damaged: it is not what {path.name} is about")
        sources = _names(kept.sources) or files  # the same texts, where no file is a stack
        facts = Facts(sources, kept.formats, array)
        return cls(files, facts, kept.left_out, kept.grey_scales, kept.pixels)


@dataclasses.dataclass(frozen=True)
class KeptListing(Stored):
    """The file of a `Listing`, less the rows.

    Lists of names are one text each: a large set's JSON lists would take more memory than its
    images.

    Attributes:
      files: names with "\\0" between them.
      sources: as `files`; "" where they are the same.
      formats, left_out, grey_scales, pixels: as of `Facts` and `Listing`.
    """

    files: str
    sources: str
    formats: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    grey_scales: tuple[GreyScale, ...]
    pixels: str


def _rows_of(path: Path) -> Path:
    return path.with_suffix(".npy")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(_BETWEEN)) if text else ()
