"""What a synthetic set holds: where each image lies, and tables with a row per image.

A folder holds IMAGES_PER_FOLDER images at most, since file systems and those who open a folder are
slow with more. The first so many of a class lie in its own folder, and manifest.csv has their rows,
of all classes. Of a larger set each further folder has a manifest.csv of its own.
"""

import csv
import dataclasses
import itertools
import operator
import sys
from collections.abc import Iterable
from pathlib import Path

from synthmed_jax.csv_text import text_of, write_csv
from synthmed_jax.errors import Damaged, UserError

IMAGES_PER_FOLDER = 10_000
MANIFEST = "manifest.csv"


@dataclasses.dataclass(frozen=True, slots=True)
class ManifestRow:
    """One synthetic image: where it is, and all that determines its pixels.

    Attributes:
      path: relative POSIX path below the synthetic set's folder.
      class_name: its class; the column is called `class`.
      index: >= 0, which image of its class.
      seed, sampler, steps, guidance: of the sampling, as in `SampleSettings`.
      checkpoint: sha256 of the generator's weights.
      sha256: of the file's bytes.
      used: whether it is one of those that `generate` was last asked for; images of a run that
        wanted more stay where they are. True where an old manifest does not say.
      made_by: digest of the settings and inputs that it was drawn with; "" where an old manifest
        does not say.
    """

    path: str
    class_name: str
    index: int
    seed: int
    sampler: str
    steps: int
    guidance: float
    checkpoint: str
    sha256: str
    used: bool = True
    made_by: str = ""

    @property
    def part(self) -> str:
        """Which of the set's manifests has the row."""
        return part_of(self.class_name, self.index)


def path_of(class_name: str, index: int) -> str:
    """Returns the path of an image below the synthetic set's folder."""
    return f"{_folder_of(class_name, index)}/{index:05d}.png"


def part_of(class_name: str, index: int) -> str:
    """Returns the path of the manifest that has an image, below the synthetic set's folder."""
    if index < IMAGES_PER_FOLDER:
        return MANIFEST
    return f"{_folder_of(class_name, index)}/{MANIFEST}"


def _folder_of(class_name: str, index: int) -> str:
    number = index // IMAGES_PER_FOLDER
    return f"{class_name}/{number:04d}" if number else class_name


def parts(directory: Path) -> list[str]:
    """Returns the manifests that are there: that of the first images, and those of folders."""
    further = sorted(path.relative_to(directory) for path in directory.glob(f"*/*/{MANIFEST}"))
    first = [MANIFEST] if (directory / MANIFEST).exists() else []
    return first + [path.as_posix() for path in further]


_ATTRIBUTES = tuple(field.name for field in dataclasses.fields(ManifestRow))
# `class` can't be an attribute's name.
MANIFEST_FIELDS = tuple("class" if name == "class_name" else name for name in _ATTRIBUTES)
_ADDED = {"used", "made_by"}  # columns that old manifests lack


def write_part(directory: Path, part: str, rows: Iterable[ManifestRow]) -> None:
    """Writes one manifest atomically, sorted by class and index; equal rows give equal bytes.

    Args:
      directory: the synthetic set's folder.
      part: which, as of `part_of`.
      rows: all that it is to have, in any order.

    Raises:
      UserError: the manifest that is there has columns of somebody else's, which would be lost.
      Damaged: its columns can't be read.
    """
    _refuse_foreign_columns(directory / part)
    in_order = sorted(rows, key=lambda row: (row.class_name, row.index))
    cells_of = operator.attrgetter(*_ATTRIBUTES)
    # A table's reader takes 1 and 0 for what they are.
    cells = (
        [int(cell) if isinstance(cell, bool) else cell for cell in cells_of(row)]
        for row in in_order
    )
    write_csv(directory / part, itertools.chain([MANIFEST_FIELDS], cells))


def _refuse_foreign_columns(path: Path) -> None:
    if not path.is_file():
        return
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            headings = next(csv.reader(stream), [])
    except (ValueError, csv.Error) as error:
        raise Damaged(path, f"is damaged: its headings can't be read ({error})") from error
    foreign = [name for name in headings if name not in MANIFEST_FIELDS]
    if foreign:
        raise UserError(
            f"{path} has the column(s) {', '.join(foreign)}, which would be lost when it is "
            "written anew: keep them in a file of their own"
        )


def read_manifest(directory: Path) -> list[ManifestRow]:
    """Reads the rows of all manifests of a set, sorted by class and index.

    Raises:
      Damaged: there is no manifest.csv; else as of `read_part`.
    """
    rows = read_part(directory, MANIFEST)
    further = [part for part in parts(directory) if part != MANIFEST]
    if not further:
        return rows
    # A row that an earlier version wrote into manifest.csv may since have come to another part.
    rows += [row for part in further for row in read_part(directory, part)]
    by_image = {(row.class_name, row.index): row for row in rows}
    return [by_image[image] for image in sorted(by_image)]


def read_part(directory: Path, part: str) -> list[ManifestRow]:
    """Reads one manifest, as it is ordered; columns beyond a `ManifestRow`'s are not read.

    Where manifest.csv is of an earlier version, it may have rows of images that would be in other
    parts today, and lie in their class's folder.

    Raises:
      Damaged: there is none, or it lacks a column, or a row can't be what was written.
    """
    path = directory / part
    if not path.is_file():
        raise Damaged(path, "is gone")
    try:
        rows = _read_rows(path)
    except (ValueError, TypeError, csv.Error) as error:
        raise Damaged(path, f"is damaged: a row can't be read ({error})") from error
    for row in rows:
        expected = path_of(row.class_name, row.index)
        if row.path not in (expected, f"{row.class_name}/{row.index:05d}.png"):
            raise Damaged(path, f"is damaged: it has {row.path} where {expected} belongs")
        if part not in (MANIFEST, row.part):
            raise Damaged(path, f"is damaged: it has {row.path}, which belongs to {row.part}")
    return rows


def _read_rows(path: Path) -> list[ManifestRow]:
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        lacking = set(MANIFEST_FIELDS) - _ADDED - set(reader.fieldnames or ())
        if lacking:
            raise Damaged(path, f"lacks the column(s) {', '.join(sorted(lacking))}")
        rows = []
        for row in reader:
            if None in row.values():
                raise ValueError("it has too few cells")
            rows.append(_to_row(row))
        return rows


def _to_row(row: dict[str, str]) -> ManifestRow:
    # What many rows share is kept once: there may be a million of them.
    return ManifestRow(
        path=text_of(row["path"]),
        class_name=sys.intern(text_of(row["class"])),
        index=int(row["index"]),
        seed=int(row["seed"]),
        sampler=sys.intern(row["sampler"]),
        steps=int(row["steps"]),
        guidance=float(row["guidance"]),
        checkpoint=sys.intern(row["checkpoint"]),
        sha256=row["sha256"],
        used=bool(int(row.get("used", "1"))),
        made_by=sys.intern(row.get("made_by", "")),
    )
