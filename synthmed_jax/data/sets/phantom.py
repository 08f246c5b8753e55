"""The phantom set: drawn images are stored as PNG files like any real ones."""

import dataclasses
import functools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from synthmed_jax import checks
from synthmed_jax.data.png import encode_png
from synthmed_jax.data.sets import builders, phantom_drawing, raster
from synthmed_jax.data.sets.listing import ImageFile
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.files import sha256
from synthmed_jax.progress import file_progress_bar

_FORMAT_VERSION = 1
"""Part of the key of prepared copies: raise it when what this module stores changes."""


@dataclasses.dataclass(frozen=True)
class PhantomSource(builders.Source):
    """How the phantoms are drawn: `seed` and `size` (side in pixels); no root is read."""

    seed: int = 0
    size: int = 0


def lesion_of(file: str, seed: int, size: int) -> np.ndarray:
    """Draws where the lesion of one file is, in the set `seed`: bool[size,size]; notumor: empty."""
    path = Path(file)
    label = phantom_drawing.CLASS_NAMES.index(path.parent.name)
    return phantom_drawing.draw(seed, label, int(path.stem), size)[1]


class Phantom(builders.ImageBuilder):
    """Procedural brain-MRI-like images of four classes; nothing to download."""

    DESCRIPTION = "Procedurally drawn, brain-MRI-like phantoms with class-specific lesions."
    CITATION = "None: drawn by synthmed_jax.data.phantom."
    TAKES_ALL_BELOW_DIR = False
    SETTLES_CONFLICTS = False

    @classmethod
    def check_settings(cls, settings: DataSettings) -> None:
        """Raises UserError for values that phantoms can't be drawn with."""
        super().check_settings(settings)
        checks.at_least("config.data.image_size (phantoms)", settings.image_size, 16)
        checks.at_least("config.data.phantom_images", settings.phantom_images, 1)
        checks.at_least("config.data.phantom_seed", settings.phantom_seed, 0)

    @classmethod
    def make_source(cls, settings: DataSettings) -> PhantomSource:
        """Plans the files `<class>/<index>.png`, `phantom_images` per class; draws nothing yet."""
        files = sorted(
            ImageFile(f"{name}/{index:05d}.png", label)
            for label, name in enumerate(phantom_drawing.CLASS_NAMES)
            for index in range(settings.phantom_images)
        )
        seed, size = settings.phantom_seed, settings.image_size
        return PhantomSource(
            root=Path(),
            files=files,
            class_names=phantom_drawing.CLASS_NAMES,
            key=_recipe_hash(files, seed, size),
            content_hash=None,
            seed=seed,
            size=size,
        )

    @classmethod
    def make_lesion_of(cls, settings: DataSettings, size: int) -> builders.LesionOf:
        """Returns path -> mask: `lesion_of` for this set's seed and images of this size."""
        return functools.partial(lesion_of, seed=settings.phantom_seed, size=size)

    def _records(self) -> Iterator[builders.Record]:
        source = self.source
        assert isinstance(source, PhantomSource)
        for file, label in file_progress_bar(source.files, "drawing phantoms"):
            image, _ = phantom_drawing.draw(source.seed, label, int(Path(file).stem), source.size)
            content = encode_png(image[:, :, None])
            yield builders.Record(content, file, label, sha256(content))


def _recipe_hash(files: list[ImageFile], seed: int, size: int) -> str:
    """Returns a sha256 of all that the drawing depends on, its source code included.

    It stands in for the content's hash as the key of the prepared copy, so that the set is drawn
    once and yet never served stale after the drawing changes.
    """
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (phantom_drawing, raster))
    values = [_FORMAT_VERSION, np.__version__, files, seed, size]
    return sha256(code + json.dumps(values).encode())
