"""The manifests of a synthetic set that is being drawn: few of them are in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from synthmed_jax.data.manifest import (
    MANIFEST,
    ManifestRow,
    part_of,
    parts,
    read_part,
    write_part,
)

# Besides that of the first images. Images are drawn in order, so that the next part is wanted when
# one is full.
_PARTS_IN_MEMORY = 1
# (class, index)
Image = tuple[str, int]


class OpenManifest:
    """Rows by image, so that one that is drawn again takes the place of its row.

    A part that makes room for another one is written first, if it has changed; the others are
    written by `save`.
    """

    def __init__(self, directory: Path) -> None:
        """Nothing is read yet.

        Args:
          directory: the synthetic set's folder.
        """
        self._directory = directory
        self._parts: dict[str, dict[Image, ManifestRow]] = {}  # the one that is used last is last
        self._changed: set[str] = set()

    def get(self, image: Image) -> ManifestRow | None:
        """Returns an image's row, or None; errors of `read_part`."""
        row = self._of(part_of(*image)).get(image)
        # A manifest.csv of an earlier version has all rows.
        return self._of(MANIFEST).get(image) if row is None else row

    def put(self, row: ManifestRow) -> None:
        """Takes a row in, in the place of the one that its image had; errors of `read_part`."""
        image = (row.class_name, row.index)
        self._of(row.part)[image] = row
        self._changed.add(row.part)
        if row.part != MANIFEST and self._of(MANIFEST).pop(image, None) is not None:
            self._changed.add(MANIFEST)

    def remove(self, image: Image) -> None:
        """Forgets an image's row, if there is one; errors of `read_part`."""
        for part in (part_of(*image), MANIFEST):
            if self._of(part).pop(image, None) is not None:
                self._changed.add(part)

    def __iter__(self) -> Iterator[ManifestRow]:
        """Every row, part by part; rows may be put in and removed meanwhile.

        Errors of `read_part`.
        """
        for part in parts(self._directory):
            yield from list(self._of(part).values())

    def save(self) -> None:
        """Writes what has changed, manifest.csv last; errors of `write_part`."""
        for part in sorted(self._changed, key=lambda part: (part == MANIFEST, part)):
            self._write(part)

    def _of(self, part: str) -> dict[Image, ManifestRow]:
        if part in self._parts:
            self._parts[part] = self._parts.pop(part)
            return self._parts[part]
        further = [each for each in self._parts if each != MANIFEST]
        if part != MANIFEST and len(further) >= _PARTS_IN_MEMORY:
            if further[0] in self._changed:
                self._write(further[0])
            del self._parts[further[0]]
        there = (self._directory / part).exists()
        rows = read_part(self._directory, part) if there else []
        self._parts[part] = {(row.class_name, row.index): row for row in rows}
        return self._parts[part]

    def _write(self, part: str) -> None:
        write_part(self._directory, part, self._of(part).values())
        self._changed.discard(part)
