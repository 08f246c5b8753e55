"""metadata.csv beside the class folders of a synthetic set: what readers of image folders expect.

The column `file_name` is what the imagefolder reader of Hugging Face's datasets asks for. The file
follows from manifest.csv, of which it has the images that the run uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from synthmed_jax.csv_text import write_csv
from synthmed_jax.data.manifest import ManifestRow

FILE = "metadata.csv"
COLUMNS = (
    "file_name", "label", "index", "seed", "sampler", "steps", "guidance", "checkpoint", "sha256",
)  # fmt: skip


def write_metadata(directory: Path, rows: Sequence[ManifestRow]) -> None:
    """Writes metadata.csv, one row per image, whole or not at all; equal rows give equal bytes.

    Paths are relative to the file. One that a spreadsheet would take for a formula begins with
    "./", which any reader of paths understands; labels are guarded as csv_text.py says.

    Args:
      directory: the synthetic set's folder.
      rows: of the manifest; those that are not used are left out.
    """
    cells: list[tuple[object, ...]] = [
        (
            _relative(row.path),
            row.class_name,
            row.index,
            row.seed,
            row.sampler,
            row.steps,
            row.guidance,
            row.checkpoint,
            row.sha256,
        )
        for row in rows
        if row.used
    ]
    write_csv(directory / FILE, [COLUMNS, *cells])


def _relative(path: str) -> str:
    return path if path[0].isalnum() else f"./{path}"
