"""Generation of the labelled synthetic set: PNG class folders and manifest.csv.

Images come in fixed, aligned blocks of indices; the manifest is written after each block, so a
killed run redoes at most one block and yields the same files.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np

from synthmed_jax import stopping
from synthmed_jax.data import synthetic
from synthmed_jax.data.png import encode_png
from synthmed_jax.diffusion.sampling import SampleSettings
from synthmed_jax.files import sha256
from synthmed_jax.progress import progress_bar


def generate(
    draw_class: Callable[[int, np.ndarray], np.ndarray],
    settings: SampleSettings,
    block: int,
    class_names: tuple[str, ...],
    per_class: int,
    checkpoints: tuple[str, ...],
    directory: pathlib.Path,
) -> None:
    """Fills `directory` up to at least `per_class` images per class; those that are there stay.

    Args:
      draw_class: (label, index i32[N]) -> u8[N,H,W,C].
      settings: those of `draw_class`, for the manifest.
      block: images per call of `draw_class`, and indices per block.
      class_names: folder of each label.
      per_class: images per class; rounded up to whole blocks, the surplus is never read.
      checkpoints: sha256 of each label's generator.
      directory: receives <class>/<index>.png and manifest.csv.
    """
    found = synthetic.read_manifest(directory) if (directory / "manifest.csv").exists() else []
    # By image: one that is drawn again, in a block of another size, takes the place of its row.
    rows = {(row.class_name, row.index): row for row in found}
    blocks = [
        (label, start)
        for label in range(len(class_names))
        for start in range(0, per_class, block)
        if any((class_names[label], start + i) not in rows for i in range(block))
    ]
    bar = progress_bar(description="generate", total=len(blocks) * block, unit="image")
    with stopping.deferred(), bar:
        for label, start in blocks:
            index = np.arange(start, start + block, dtype=np.int32)
            images = draw_class(label, index)
            folder = directory / class_names[label]
            folder.mkdir(parents=True, exist_ok=True)
            for i, image in zip(index, images, strict=True):
                png = encode_png(image)
                path = folder / f"{i:05d}.png"
                path.write_bytes(png)
                rows[class_names[label], int(i)] = synthetic.ManifestRow(
                    path=path.relative_to(directory).as_posix(),
                    class_name=class_names[label],
                    index=int(i),
                    seed=settings.seed,
                    sampler=settings.sampler,
                    steps=settings.steps,
                    guidance=settings.guidance,
                    checkpoint=checkpoints[label],
                    sha256=sha256(png),
                )
            synthetic.write_manifest(directory, rows.values())
            bar.update(block)
            stopping.check()
