"""The synthetic set on disk: class folders of PNGs and manifest.csv, one row an image."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthmed_jax.data import decode
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, write_text
from synthmed_jax.progress import file_progress_bar

MANIFEST_FIELDS = (
    "path",
    "class",
    "index",
    "seed",
    "sampler",
    "steps",
    "guidance",
    "checkpoint",
    "sha256",
)
_NUMBERS = {"index": int, "seed": int, "steps": int, "guidance": float}


def write_manifest(directory: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes manifest.csv atomically, sorted by class and index; equal rows give equal bytes.

    Args:
      directory: the synthetic set's folder; `path` in a row is relative to it.
      rows: mappings with exactly MANIFEST_FIELDS.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, MANIFEST_FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in sorted(rows, key=lambda row: (row["class"], int(row["index"]))):
        if row.keys() != set(MANIFEST_FIELDS):
            raise ValueError(f"a manifest row needs {MANIFEST_FIELDS}, got {tuple(row)}")
        writer.writerow(row)
    write_text(directory / "manifest.csv", stream.getvalue())


def read_manifest(directory: Path) -> list[dict[str, Any]]:
    """Reads manifest.csv; index, seed and steps are int, guidance is float, the others str.

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
            {name: _NUMBERS.get(name, str)(value) for name, value in row.items()} for row in reader
        ]


def load_synthetic(
    directory: Path,
    class_names: Sequence[str],
    per_class: int,
    image_size: int | None = None,
    channels: int = 3,
) -> ImageSet:
    """Loads the first `per_class` images (by index) of every class, through the real images' path.

    Args:
      directory: holds manifest.csv and the class folders.
      class_names: sorted as in the real set; labels are indices into it.
      per_class: images a class, >= 1.
      image_size: side to resize to, pixels; None leaves the images as they are.
      channels: 1 or 3.

    Raises:
      UserError: fewer images than asked for; a file missing, unreadable or not the one that the
        manifest's sha256 names; images of different sizes.
    """
    rows = read_manifest(directory)
    pixels, labels, files = [], [], []
    for label, name in enumerate(class_names):
        chosen = sorted((row for row in rows if row["class"] == name), key=lambda row: row["index"])
        if len(chosen) < per_class:
            raise UserError(
                f"{directory} holds {len(chosen)} synthetic images of {name}, {per_class} are "
                "needed: generate more or lower the number a class"
            )
        for row in file_progress_bar(chosen[:per_class], f"reading synthetic {name}"):
            image = _read_image(directory, row, channels)
            pixels.append(image if image_size is None else _resize(image, image_size))
            labels.append(label)
            files.append(row["path"])
    if len({image.shape for image in pixels}) > 1:
        raise UserError(f"{directory} holds images of different sizes: {_anew(directory)}")
    return ImageSet(
        np.stack(pixels), np.asarray(labels, np.int32), tuple(files), tuple(class_names)
    )


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    return decode.fit_image(image, size, "stretch")  # synthetic images are square


def _anew(directory: Path) -> str:
    marker = directory.parent / "stages" / "generate.json"
    return f"delete {directory / 'manifest.csv'} and {marker}, and the set is drawn anew"


def _read_image(directory: Path, row: Mapping[str, Any], channels: int) -> np.ndarray:
    path = directory / row["path"]
    try:
        content = path.read_bytes()
        if sha256(content) != row["sha256"]:
            raise UserError(f"{path} is not the image that manifest.csv names: {_anew(directory)}")
        return decode.decode_image(content, channels)
    except FileNotFoundError as error:
        raise UserError(f"{path} is in manifest.csv but missing: {_anew(directory)}") from error
    except decode.DecodeError as error:
        raise UserError(f"{path} can't be read: {error}") from error
