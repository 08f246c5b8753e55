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
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, write_text
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


_ATTRIBUTES = tuple(field.name for field in dataclasses.fields(ManifestRow))
# `class` can't be an attribute's name.
MANIFEST_FIELDS = tuple("class" if name == "class_name" else name for name in _ATTRIBUTES)


def write_manifest(directory: Path, rows: Iterable[ManifestRow]) -> None:
    """Writes manifest.csv atomically, sorted by class and index; equal rows give equal bytes.

    Args:
      directory: the synthetic set's folder.
      rows: one per image, in any order.

    Raises:
      UserError: the manifest that is there has columns of somebody else's, which would be lost.
    """
    _refuse_foreign_columns(directory / "manifest.csv")
    in_order = sorted(rows, key=lambda row: (row.class_name, row.index))
    cells = map(operator.attrgetter(*_ATTRIBUTES), in_order)
    write_text(directory / "manifest.csv", to_csv([MANIFEST_FIELDS, *cells]))


def _refuse_foreign_columns(path: Path) -> None:
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as stream:
        foreign = [name for name in next(csv.reader(stream), []) if name not in MANIFEST_FIELDS]
    if foreign:
        raise UserError(
            f"{path} has the column(s) {', '.join(foreign)}, which would be lost when more images "
            "are drawn: keep them in a file of their own"
        )


def read_manifest(directory: Path) -> list[ManifestRow]:
    """Reads manifest.csv; columns beyond those of a `ManifestRow` are not read.

    Raises:
      UserError: there is none, or it lacks a column.
    """
    path = directory / "manifest.csv"
    if not path.is_file():
        raise UserError(f"{path} is missing: run the stage `generate` first")
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        lacking = set(MANIFEST_FIELDS) - set(reader.fieldnames or ())
        if lacking:
            raise UserError(f"{path} lacks the column(s) {', '.join(sorted(lacking))}")
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
            )
            for row in reader
        ]


def load_synthetic(
    directory: Path, class_names: Sequence[str], per_class: int, channels: int = 3
) -> ImageSet:
    """Loads the first `per_class` images (by index) of every class, decoded as real images are.

    Args:
      directory: holds manifest.csv and the class folders.
      class_names: sorted as in the real set; labels are indices into it.
      per_class: images per class, >= 1.
      channels: 1 or 3.

    Raises:
      UserError: fewer images than asked for; a file missing, unreadable or not the one that the
        manifest's sha256 names; images of different sizes.
    """
    rows = read_manifest(directory)
    pixels, labels, files = [], [], []
    for label, name in enumerate(class_names):
        chosen = sorted((row for row in rows if row.class_name == name), key=lambda row: row.index)
        if len(chosen) < per_class:
            raise UserError(
                f"{directory} holds {len(chosen)} synthetic images of {name}, {per_class} are "
                "needed: generate more or lower the number per class"
            )
        for row in file_progress_bar(chosen[:per_class], f"reading synthetic {name}"):
            pixels.append(_read_image(directory, row, channels))
            labels.append(label)
            files.append(row.path)
    if len({image.shape for image in pixels}) > 1:
        raise UserError(f"{directory} holds images of different sizes: {_how_to_redraw(directory)}")
    return ImageSet(
        np.stack(pixels), np.asarray(labels, np.int32), tuple(files), tuple(class_names)
    )


def _how_to_redraw(directory: Path) -> str:
    marker = directory.parent / "stages" / "generate.json"
    return f"delete {directory / 'manifest.csv'} and {marker}, and the set is drawn anew"


def _read_image(directory: Path, row: ManifestRow, channels: int) -> np.ndarray:
    """Returns u8[H,W,channels]; raises UserError unless the file is the one in the manifest."""
    path = directory / row.path
    try:
        content = path.read_bytes()
        if sha256(content) != row.sha256:
            raise UserError(
                f"{path} is not the image that manifest.csv names: {_how_to_redraw(directory)}"
            )
        return decode.decode_image(content, channels)
    except FileNotFoundError as error:
        raise UserError(
            f"{path} is in manifest.csv but missing: {_how_to_redraw(directory)}"
        ) from error
    except decode.DecodeError as error:
        raise UserError(f"{path} can't be read: {error}") from error
