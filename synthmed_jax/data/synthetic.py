"""The synthetic set on disk: class folders of PNGs and manifest.csv, one row per image."""

import csv
import dataclasses
import operator
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from synthmed_jax.csv_text import text_of, to_csv
from synthmed_jax.data import decode
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import sha256, sha256_of, write_text
from synthmed_jax.progress import file_progress_bar


@dataclasses.dataclass(frozen=True)
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
    def expected_path(self) -> str:
        """Where the image of this class and index lies."""
        return path_of(self.class_name, self.index)


def path_of(class_name: str, index: int) -> str:
    """Returns the path of an image below the synthetic set's folder."""
    return f"{class_name}/{index:05d}.png"


_ATTRIBUTES = tuple(field.name for field in dataclasses.fields(ManifestRow))
# `class` can't be an attribute's name.
MANIFEST_FIELDS = tuple("class" if name == "class_name" else name for name in _ATTRIBUTES)
_ADDED = {"used", "made_by"}  # columns that old manifests lack


def write_manifest(directory: Path, rows: Iterable[ManifestRow]) -> None:
    """Writes manifest.csv atomically, sorted by class and index; equal rows give equal bytes.

    Args:
      directory: the synthetic set's folder.
      rows: one per image, in any order.

    Raises:
      UserError: the manifest that is there has columns of somebody else's, which would be lost.
      Damaged: its columns can't be read.
    """
    _refuse_foreign_columns(directory / "manifest.csv")
    in_order = sorted(rows, key=lambda row: (row.class_name, row.index))
    cells_of = operator.attrgetter(*_ATTRIBUTES)
    # A table's reader takes 1 and 0 for what they are.
    cells = (
        [int(cell) if isinstance(cell, bool) else cell for cell in cells_of(row)]
        for row in in_order
    )
    write_text(directory / "manifest.csv", to_csv([MANIFEST_FIELDS, *cells]))


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
    """Reads manifest.csv; columns beyond those of a `ManifestRow` are not read.

    Raises:
      Damaged: there is none, or it lacks a column, or a row can't be what was written.
    """
    path = directory / "manifest.csv"
    if not path.is_file():
        raise Damaged(path, "is gone")
    try:
        rows = _read_rows(path)
    except (ValueError, TypeError, csv.Error) as error:
        raise Damaged(path, f"is damaged: a row can't be read ({error})") from error
    for row in rows:
        if row.path != row.expected_path:
            raise Damaged(path, f"is damaged: it has {row.path} where {row.expected_path} belongs")
    return rows


def _read_rows(path: Path) -> list[ManifestRow]:
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        lacking = set(MANIFEST_FIELDS) - _ADDED - set(reader.fieldnames or ())
        if lacking:
            raise Damaged(path, f"lacks the column(s) {', '.join(sorted(lacking))}")
        table = list(reader)
        if any(None in row.values() for row in table):
            raise ValueError("it has too few cells")
        return [
            ManifestRow(
                path=text_of(row["path"]),
                class_name=text_of(row["class"]),
                index=int(row["index"]),
                seed=int(row["seed"]),
                sampler=row["sampler"],
                steps=int(row["steps"]),
                guidance=float(row["guidance"]),
                checkpoint=row["checkpoint"],
                sha256=row["sha256"],
                used=bool(int(row.get("used", "1"))),
                made_by=row.get("made_by", ""),
            )
            for row in table
        ]


def load_synthetic(
    directory: Path, class_names: Sequence[str], counts: Sequence[int], channels: int = 3
) -> ImageSet:
    """Loads the first images (by index) of every class, decoded as real images are.

    Args:
      directory: holds manifest.csv and the class folders.
      class_names: sorted as in the real set; labels are indices into it.
      counts: images of each class, >= 1.
      channels: 1 or 3.

    Raises:
      Damaged: fewer images than asked for; a file missing, unreadable or not the one that the
        manifest's sha256 names.
      UserError: images of different sizes.
    """
    # By index, not by `used`: that column is of the run that drew last.
    rows = read_manifest(directory)
    chosen = []
    for name, count in zip(class_names, counts, strict=True):
        wanted = [row for row in rows if row.class_name == name and row.index < count]
        if sorted(row.index for row in wanted) != list(range(count)):
            raise _lacking(directory, name, len(wanted), count)
        chosen.append(wanted)
    return _load(directory, class_names, chosen, channels)


def load_used(
    directory: Path, class_names: Sequence[str], counts: Sequence[int], channels: int = 3
) -> ImageSet:
    """Loads the images that the manifest calls used, whatever their indices.

    Args:
      directory, class_names, channels: as of `load_synthetic`.
      counts: of each class as many must be used.

    Raises:
      Damaged: another number is; else as of `load_synthetic`.
      UserError: images of different sizes.
    """
    rows = [row for row in read_manifest(directory) if row.used]
    chosen = [[row for row in rows if row.class_name == name] for name in class_names]
    for name, count, of_class in zip(class_names, counts, chosen, strict=True):
        if len(of_class) != count:
            raise _lacking(directory, name, len(of_class), count)
    return _load(directory, class_names, chosen, channels)


def _lacking(directory: Path, name: str, there: int, count: int) -> Damaged:
    return Damaged(
        directory / "manifest.csv",
        f"has {there} of the {count} synthetic images of {name} that are needed",
    )


def _load(
    directory: Path,
    class_names: Sequence[str],
    chosen: Sequence[Sequence[ManifestRow]],
    channels: int,
) -> ImageSet:
    """The images of the rows of each class, by index."""
    pixels, labels, files = [], [], []
    for label, (name, rows) in enumerate(zip(class_names, chosen, strict=True)):
        in_order = sorted(rows, key=lambda row: row.index)
        for row in file_progress_bar(in_order, f"reading synthetic {name}"):
            pixels.append(_read_image(directory, row, channels))
            labels.append(label)
            files.append(row.path)
    if len({image.shape for image in pixels}) > 1:
        raise UserError(f"{directory} holds images of different sizes: {_how_to_redraw(directory)}")
    return ImageSet(
        np.stack(pixels), np.asarray(labels, np.int32), tuple(files), tuple(class_names)
    )


def is_whole(directory: Path, row: ManifestRow) -> bool:
    """Whether the file of a row is there, and the one that the row's sha256 names."""
    path = directory / row.path
    return path.is_file() and sha256_of(path) == row.sha256


def _how_to_redraw(directory: Path) -> str:
    marker = directory.parent / "stages" / "generate.json"
    return f"delete {directory / 'manifest.csv'} and {marker}, and the set is drawn anew"


def _read_image(directory: Path, row: ManifestRow, channels: int) -> np.ndarray:
    """Returns u8[H,W,channels]; raises Damaged unless the file is the one in the manifest."""
    path = directory / row.path
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise Damaged(path, "is gone") from error
    if sha256(content) != row.sha256:
        raise Damaged(path, "is damaged: it is not the image that manifest.csv names")
    return decode.decode_image(content, channels)
