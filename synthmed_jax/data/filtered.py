"""The filtered synthetic set: class folders of PNGs and manifest.csv.

The manifest has a row for every image that was looked at, with its scores; files are there of those
that are used, so that the folder can be given away as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from synthmed_jax.csv_text import write_csv
from synthmed_jax.data.manifest import MANIFEST_FIELDS, ManifestRow


@dataclasses.dataclass(frozen=True)
class ScoredImage:
    """An image that a filter has looked at.

    Attributes:
      row: as of a synthetic set; `used` says that the image was kept, so that its file is there.
      scores: column -> what decided.
      reasons: column -> whether the image is left out for that. One that is neither left out nor
        used was drawn with others and not needed.
    """

    row: ManifestRow
    scores: dict[str, float]
    reasons: dict[str, bool]


def write_scored(directory: Path, images: Iterable[ScoredImage]) -> None:
    """Writes manifest.csv atomically, sorted by class and index; equal rows give equal bytes.

    Its columns are those of a synthetic set's manifest, then scores, then reasons.

    Args:
      directory: the filtered set's folder.
      images: one or more, all with the same scores and reasons.
    """
    in_order = sorted(images, key=lambda image: (image.row.class_name, image.row.index))
    headings = [*MANIFEST_FIELDS, *in_order[0].scores, *in_order[0].reasons]
    cells = (
        [
            *(int(cell) if isinstance(cell, bool) else cell for cell in _cells(image.row)),
            *(f"{score:.6f}" for score in image.scores.values()),
            *(int(is_so) for is_so in image.reasons.values()),
        ]
        for image in in_order
    )
    write_csv(directory / "manifest.csv", [headings, *cells])


def _cells(row: ManifestRow) -> tuple[object, ...]:
    return tuple(getattr(row, field.name) for field in dataclasses.fields(row))
