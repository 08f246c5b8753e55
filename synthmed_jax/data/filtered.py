"""The synthetic set without suspected copies: class folders of PNGs and manifest.csv.

The manifest has a row for every image that was looked at, with its scores; files are there of those
that are used, so that the folder can be given away as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from synthmed_jax.csv_text import to_csv
from synthmed_jax.data.synthetic import MANIFEST_FIELDS, ManifestRow
from synthmed_jax.files import write_text


@dataclasses.dataclass(frozen=True)
class ScoredImage:
    """An image that a search for copies has looked at.

    Attributes:
      row: as of a synthetic set; `used` says that the image was kept, so that its file is there.
      alike: space -> likeness to the nearest `fit` image, at most 1.
      flagged: whether it is taken for a copy. One that is neither flagged nor used was drawn with
        others and not needed.
    """

    row: ManifestRow
    alike: dict[str, float]
    flagged: bool


def write_scored(directory: Path, images: Iterable[ScoredImage]) -> None:
    """Writes manifest.csv atomically, sorted by class and index; equal rows give equal bytes.

    Its columns are those of a synthetic set's manifest, `alike_<space>` and `flagged`.

    Args:
      directory: the filtered set's folder.
      images: one or more, all with likenesses of the same spaces.
    """
    in_order = sorted(images, key=lambda image: (image.row.class_name, image.row.index))
    spaces = [*in_order[0].alike]
    headings = [*MANIFEST_FIELDS, *(f"alike_{space}" for space in spaces), "flagged"]
    cells = (
        [
            *(int(cell) if isinstance(cell, bool) else cell for cell in _cells(image.row)),
            *(f"{image.alike[space]:.6f}" for space in spaces),
            int(image.flagged),
        ]
        for image in in_order
    )
    write_text(directory / "manifest.csv", to_csv([headings, *cells]))


def _cells(row: ManifestRow) -> tuple[object, ...]:
    return tuple(getattr(row, field.name) for field in dataclasses.fields(row))
