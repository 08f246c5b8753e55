"""MedMNIST: one .npz file with arrays of small images and their labels."""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from synthmed_jax.data.png import encode_png
from synthmed_jax.data.sets import builders, conflicts, medmnist_file
from synthmed_jax.data.sets.listing import ImageFile, LeftOut, label_hash
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, sha256_of
from synthmed_jax.progress import file_progress_bar

_FORMAT_VERSION = 1
"""Part of the key of prepared copies: raise it when what this module stores changes."""


@dataclasses.dataclass(frozen=True)
class ArraysSource(builders.Source):
    """Where the arrays are: `archive`, of that sha256 (hexadecimal)."""

    archive: Path = Path()
    sha256: str = ""


class Medmnist(builders.ImageBuilder):
    """Images that are stored as PNG files <part>/<label>/<row>.png; the labels name the classes."""

    DESCRIPTION = "Images of a MedMNIST file, all of its parts together."
    CITATION = (
        "Yang et al., MedMNIST v2 - A large-scale lightweight benchmark for 2D and 3D biomedical "
        "image classification, Scientific Data 10:41, 2023."
    )
    HOMEPAGE = "https://medmnist.com"
    TAKES_ALL_BELOW_DIR = False

    @classmethod
    def make_source(cls, settings: DataSettings) -> ArraysSource:
        """Reads the labels of the file that `settings.dir` names, and looks for conflicts.

        Errors as of `medmnist_file.read_labels` and of `conflicts.settle`.
        """
        archive = medmnist_file.find_file(settings.dir)
        labels = medmnist_file.read_labels(archive)
        values = sorted({value for of_part in labels.values() for value in of_part.tolist()})
        # As texts in the order of the labels, also where there are more than ten.
        names = tuple(str(value).zfill(len(str(values[-1]))) for value in values)
        files = sorted(
            ImageFile(f"{part}/{names[label]}/{row:06d}.png", int(label))
            for part, of_part in labels.items()
            for row, label in enumerate(np.searchsorted(values, of_part))
        )
        digest = sha256_of(archive)
        key = sha256(f"{_FORMAT_VERSION} {digest}".encode())
        kept: list[ImageFile] = files
        dropped: list[LeftOut] = []
        if settings.conflicts != "keep":  # then nobody asks for what takes a look at every pixel
            digests = medmnist_file.hash_images(archive, files)
            kept, dropped = conflicts.settle(archive, names, files, digests, settings.conflicts)
        if dropped:
            key = label_hash(kept, names, key)
        return ArraysSource(Path(), kept, names, key, None, dropped, archive=archive, sha256=digest)

    def _records(self) -> Iterator[builders.Record]:
        source = self.source
        assert isinstance(source, ArraysSource)
        files = file_progress_bar(source.files, f"preparing {source.archive.name}")
        for part, of_part in itertools.groupby(files, lambda each: each.file.partition("/")[0]):
            images = medmnist_file.read_array(source.archive, f"{part}_images")
            for file, label in of_part:
                image = images[int(Path(file).stem)]
                content = encode_png(image if image.ndim == 3 else image[..., None])
                yield builders.Record(content, file, label, sha256(content))
        if sha256_of(source.archive) != source.sha256:
            raise UserError(f"{source.archive} changed while it was read; run again")
