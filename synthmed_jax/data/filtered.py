"""The filtered synthetic set, class folders of PNGs and manifest.csv, and the scores that made it.

The set's manifest names the images that are used, and nothing else, so that the folder can be given
away as it is. What the filter saw is written elsewhere: how alike an image is to its nearest `fit`
image tells somebody who has that image that it was learned from, to all digits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from synthmed_jax.csv_text import write_csv
from synthmed_jax.data.manifest import MANIFEST, MANIFEST_FIELDS, ManifestRow


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


def write_kept(directory: Path, images: Iterable[ScoredImage]) -> None:
    """Writes manifest.csv of the images that are used, atomically, sorted by class and index.

    Args:
      directory: the filtered set's folder.
      images: one or more.
    """
    rows = (_cells(image.row) for image in _in_order(images) if image.row.used)
    write_csv(directory / MANIFEST, [list(MANIFEST_FIELDS), *rows])


def write_scores(path: Path, images: Iterable[ScoredImage]) -> None:
    """Writes a row for every image, used or not; equal rows give equal bytes.

    Columns are those of a synthetic set's manifest, then scores, then reasons.

    Args:
      path: no part of what is given away.
      images: one or more, all with the same scores and reasons.
    """
    in_order = _in_order(images)
    headings = [*MANIFEST_FIELDS, *in_order[0].scores, *in_order[0].reasons]
    cells = (
        [
            *_cells(image.row),
            *(f"{score:.6f}" for score in image.scores.values()),
            *(int(is_so) for is_so in image.reasons.values()),
        ]
        for image in in_order
    )
    write_csv(path, [headings, *cells])


def _in_order(images: Iterable[ScoredImage]) -> list[ScoredImage]:
    return sorted(images, key=lambda image: (image.row.class_name, image.row.index))


def _cells(row: ManifestRow) -> list[object]:
    cells = (getattr(row, field.name) for field in dataclasses.fields(row))
    return [int(cell) if isinstance(cell, bool) else cell for cell in cells]
