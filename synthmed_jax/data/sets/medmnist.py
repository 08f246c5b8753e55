"""MedMNIST: one .npz file with arrays of small images and their labels."""

import dataclasses
import itertools
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from synthmed_jax.data.png import encode_png
from synthmed_jax.data.sets import builders, conflicts
from synthmed_jax.data.sets.listing import ImageFile, LeftOut, label_hash
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, sha256_of
from synthmed_jax.progress import file_progress_bar

PARTS = ("test", "train", "val")
"""The parts of such a file, which are put together: this program divides a set itself."""
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

        Errors as of `read_labels` and of `conflicts.settle`.
        """
        archive = find_file(settings.dir)
        labels = read_labels(archive)
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
            digests = hash_images(archive, files)
            kept, dropped = conflicts.settle(archive, names, files, digests, settings.conflicts)
        if dropped:
            key = label_hash(kept, names, key)
        return ArraysSource(Path(), kept, names, key, None, dropped, archive=archive, sha256=digest)

    def _records(self) -> Iterator[builders.Record]:
        source = self.source
        assert isinstance(source, ArraysSource)
        files = file_progress_bar(source.files, f"preparing {source.archive.name}")
        for part, of_part in itertools.groupby(files, lambda each: each.file.partition("/")[0]):
            images = _read(source.archive, f"{part}_images")
            for file, label in of_part:
                image = images[int(Path(file).stem)]
                content = encode_png(image if image.ndim == 3 else image[..., None])
                yield builders.Record(content, file, label, sha256(content))
        if sha256_of(source.archive) != source.sha256:
            raise UserError(f"{source.archive} changed while it was read; run again")


def find_file(given: str) -> Path:
    """Returns the .npz file that `given` is, or the only one in the folder `given`.

    Raises:
      UserError: there is none, or several.
    """
    advice = "give a file of MedMNIST's, --config.data.dir=<folder>/pneumoniamnist.npz"
    if not given:
        raise UserError(f"data.dir is not set: {advice}")
    path = Path(given).expanduser()
    if path.is_dir():
        found = sorted(path.glob("*.npz"))
        if len(found) == 1:
            return found[0]
        names = ", ".join(file.name for file in found) or "none"
        raise UserError(f"data.dir={given!r} must hold one .npz file, found {names}: {advice}")
    if not path.is_file():
        raise UserError(f"data.dir={given!r} does not exist: {advice}")
    return path


def read_labels(path: Path) -> dict[str, np.ndarray]:
    """Returns the labels of each of PARTS, int[N] >= 0, of two classes or more together.

    Raises:
      UserError: the file is no .npz file or lacks an array; an array is not what MedMNIST's sets of
        2D images with one label per image have.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            there = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} can't be read as a .npz file ({error})") from error
    wanted = [f"{part}_{kind}" for part in PARTS for kind in ("images", "labels")]
    missing = [name for name in wanted if name not in there]
    if missing:
        raise UserError(
            f"{path} has no array {', '.join(missing)}, which a MedMNIST file has; it has "
            f"{', '.join(there) or 'none'}"
        )
    labels = {part: _labels_of(path, part) for part in PARTS}
    values = sorted({value for of_part in labels.values() for value in of_part.tolist()})
    if len(values) < 2:
        raise UserError(f"{path} needs labels of at least two classes, found: {values or 'none'}")
    if values[0] < 0:
        raise UserError(f"{path} has the label {values[0]}, and labels must be 0 or above")
    return labels


def hash_images(path: Path, files: Sequence[ImageFile]) -> dict[str, str]:
    """Returns file -> sha256 of its pixels (hexadecimal); equal images, equal hashes.

    The arrays are read image by image: the largest of MedMNIST's do not fit into memory.

    Args:
      files: all images of the .npz file `path`, in order of their parts.

    Raises:
      UserError: an array is damaged or cut off.
    """
    digests = {}
    shown = file_progress_bar(files, f"reading {path.name}")
    for part, of_part in itertools.groupby(shown, lambda each: each.file.partition("/")[0]):
        rows = {int(Path(each.file).stem): each.file for each in of_part}
        for row, digest in enumerate(_digests_of(path, f"{part}_images")):
            digests[rows[row]] = digest
    return digests


def _digests_of(path: Path, name: str) -> Iterator[str]:
    shape, _, fortran_order = _header(path, name)
    size = math.prod(shape[1:])
    if fortran_order:  # no image lies in one piece
        for image in _read(path, name):
            yield sha256(str(shape[1:]).encode() + image.tobytes())
        return
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            _read_header(file)
            for _ in range(shape[0]):
                pixels = file.read(size)
                if len(pixels) < size:
                    raise EOFError("it is cut off")
                yield sha256(str(shape[1:]).encode() + pixels)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, name, error) from error


def _labels_of(path: Path, part: str) -> np.ndarray:
    shape, dtype, _ = _header(path, f"{part}_images")
    if len(shape) == 4 and shape[-1] != 3:
        raise UserError(
            f"{path}: {part}_images has the shape {shape}, which is one of volumes (the 3D sets of "
            "MedMNIST): choose a set of 2D images"
        )
    if dtype != np.uint8 or len(shape) not in (3, 4):
        raise UserError(
            f"{path}: {part}_images is {dtype}{list(shape)}, and must be uint8[N, height, width] "
            "or uint8[N, height, width, 3]"
        )
    labels = _read(path, f"{part}_labels")
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise UserError(
            f"{path}: {part}_labels has the shape {labels.shape}, {labels.shape[1]} labels per "
            "image (as ChestMNIST has), and this program needs one class per image: choose "
            "another set"
        )
    if labels.dtype.kind not in "iu" or labels.ndim not in (1, 2):
        raise UserError(
            f"{path}: {part}_labels is {labels.dtype}{list(labels.shape)}, and must be whole "
            "numbers [N] or [N, 1]"
        )
    if len(labels) != shape[0]:
        raise UserError(
            f"{path}: {part}_images holds {shape[0]} images and {part}_labels {len(labels)} labels"
        )
    return labels.reshape(-1)


def _header(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Returns shape and dtype of an array, and whether it is in Fortran's order, unread."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            return _read_header(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, name, error) from error


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, bool]:
    old = np.lib.format.read_magic(file) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(file)
    return shape, dtype, fortran_order


def _read(path: Path, name: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            array: np.ndarray = arrays[name]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, name, error) from error
    return array


def _unreadable(path: Path, name: str, error: Exception) -> UserError:
    return UserError(f"{path}: the array {name} can't be read ({error}); download the file again")
