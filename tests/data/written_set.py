"""A small synthetic set on disk."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from synthmed_jax.data import manifest
from synthmed_jax.data.manifest import ManifestRow


def write_set(directory: Path, per_class: int, size: int = 4) -> list[ManifestRow]:
    """Writes images of the classes "a" and "b,c", and returns the rows of their manifest."""
    rng = np.random.default_rng(0)
    rows = []
    for name in ("a", "b,c"):
        (directory / name).mkdir(parents=True)
        for index in range(per_class):
            path = directory / name / f"{index:05d}.png"
            Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(path)
            rows.append(
                ManifestRow(
                    path=path.relative_to(directory).as_posix(),
                    class_name=name,
                    index=index,
                    seed=3,
                    sampler="ddim",
                    steps=25,
                    guidance=1.5,
                    checkpoint="0a1b",
                    sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                )
            )
    return rows


def write_manifest(directory: Path, rows: Iterable[ManifestRow]) -> None:
    """Writes all manifests of a set, each as `write_part` does; manifest.csv is the last.

    Args:
      directory: the synthetic set's folder.
      rows: one per image, in any order.

    Raises:
      Errors of `write_part`.
    """
    of_part: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        of_part[row.part].append(row)
    first = of_part.pop(manifest.MANIFEST, [])
    for part, in_part in sorted(of_part.items()):
        manifest.write_part(directory, part, in_part)
    manifest.write_part(directory, manifest.MANIFEST, first)
