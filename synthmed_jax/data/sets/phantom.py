"""The phantom set as a TFDS builder: drawn images are stored as PNG files like any real ones."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from synthmed_jax import checks
from synthmed_jax.data.png import encode_png
from synthmed_jax.data.sets import builders, phantom_drawing, raster
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.files import sha256
from synthmed_jax.progress import file_progress_bar

_FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class PhantomSource(builders.Source):
    """How the phantoms are drawn: `seed`, `size` (side in pixels); there is no root to read."""

    seed: int
    size: int


class Phantom(builders.ImageBuilder):
    """Procedural brain-MRI-like images of four classes; nothing to download."""

    DESCRIPTION = "Procedurally drawn, brain-MRI-like phantoms with class-specific lesions."
    CITATION = "None: drawn by synthmed_jax.data.phantom."

    @classmethod
    def check_settings(cls, settings: DataSettings) -> None:
        """Raises UserError for values that phantoms can't be drawn with."""
        checks.at_least("config.data.image_size (phantoms)", settings.image_size, 16)
        checks.at_least("config.data.phantom_images", settings.phantom_images, 1)
        checks.at_least("config.data.phantom_seed", settings.phantom_seed, 0)

    def _records(self) -> Iterator[builders.Record]:
        source = self.source
        assert isinstance(source, PhantomSource)
        for file, label in file_progress_bar(source.files, "drawing phantoms"):
            image, _ = phantom_drawing.draw(source.seed, label, int(Path(file).stem), source.size)
            content = encode_png(image[:, :, None])
            yield builders.Record(content, file, label, sha256(content))


def make_source(images: int, seed: int, size: int) -> PhantomSource:
    """Returns the recipe of a phantom set: files `<class>/<index>.png`, `images` a class."""
    files = [
        builders.ImageFile(f"{name}/{index:05d}.png", label)
        for label, name in enumerate(phantom_drawing.CLASS_NAMES)
        for index in range(images)
    ]
    return PhantomSource(Path(), sorted(files), phantom_drawing.CLASS_NAMES, "", seed, size)


def lesion_of(file: str, seed: int, size: int) -> np.ndarray:
    """Draws the lesion mask bool[size,size] of one file of the set `seed`; empty for notumor."""
    path = Path(file)
    label = phantom_drawing.CLASS_NAMES.index(path.parent.name)
    return phantom_drawing.draw(seed, label, int(path.stem), size)[1]


def recipe_hash(source: PhantomSource) -> str:
    """Returns a sha256 of all that the drawing depends on, its source code included.

    It stands in for the content hash as the key of the prepared copy, so that the set is drawn
    once and yet never served stale after the drawing changes.
    """
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (phantom_drawing, raster))
    values = [_FORMAT_VERSION, np.__version__, source.files, source.seed, source.size]
    return sha256(code + json.dumps(values).encode())
