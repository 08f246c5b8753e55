"""A small synthetic set on disk."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

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
