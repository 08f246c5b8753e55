"""The phantom set as a TFDS builder: drawn images are stored as PNG files like any real ones."""

import dataclasses
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from synthmed_jax import runlog
from synthmed_jax.data import records

_FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class PhantomSource(records.Source):
    """How the phantoms are drawn: `seed`, `size` (side in pixels); there is no root to read."""

    seed: int
    size: int


class Phantom(records.ImageBuilder):
    """Procedural brain-MRI-like images of four classes; nothing to download."""

    DESCRIPTION = "Procedurally drawn, brain-MRI-like phantoms with class-specific lesions."
    CITATION = "None: drawn by synthmed_jax.data.phantom."

    def _records(self) -> Iterator[records.Record]:
        from synthmed_jax.data import phantom

        source = self.source
        assert isinstance(source, PhantomSource)
        for file, label in runlog.files_progress(source.files, "drawing phantoms"):
            image, _ = phantom.draw(source.seed, label, int(Path(file).stem), source.size)
            content = _png(image)
            yield records.Record(content, file, label, records.sha256(content))


def make_source(images: int, seed: int, size: int) -> PhantomSource:
    """Returns the recipe of a phantom set: files `<class>/<index>.png`, `images` a class."""
    from synthmed_jax.data import phantom

    files = [
        records.ImageFile(f"{name}/{index:05d}.png", label)
        for label, name in enumerate(phantom.CLASS_NAMES)
        for index in range(images)
    ]
    return PhantomSource(Path(), sorted(files), phantom.CLASS_NAMES, "", seed, size)


def lesion_of(file: str, seed: int, size: int) -> np.ndarray:
    """Draws the lesion mask bool[size,size] of one file of the set `seed`; empty for notumor."""
    from synthmed_jax.data import phantom

    path = Path(file)
    label = phantom.CLASS_NAMES.index(path.parent.name)
    return phantom.draw(seed, label, int(path.stem), size)[1]


def recipe_hash(source: PhantomSource) -> str:
    """Returns a sha256 of all that the drawing depends on, its source code included.

    It stands in for the content hash as the key of the prepared copy, so that the set is drawn
    once and yet never served stale after the drawing changes.
    """
    from synthmed_jax.data import phantom, raster

    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (phantom, raster))
    values = [_FORMAT_VERSION, np.__version__, source.files, source.seed, source.size]
    return hashlib.sha256(code + json.dumps(values).encode()).hexdigest()


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()
