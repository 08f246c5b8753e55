"""The .npz files of MedMNIST: where they are, their labels, and which of their images are alike."""

import itertools
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from synthmed_jax.data.sets.flags import flag, some
from synthmed_jax.data.sets.listing import ImageFile, list_loose_files
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256
from synthmed_jax.progress import file_progress_bar

PARTS = ("test", "train", "val")
"""The parts of such a file, which are put together: this program divides a set itself."""


def find_file(given: str) -> Path:
    """Returns the .npz file that `given` is, or the only one in the folder `given`.

    Raises:
      UserError: there is none, or several.
    """
    advice = "give a file of MedMNIST's, --config.data.dir=<folder>/pneumoniamnist.npz"
    if not given:
        raise UserError(f"--config.data.dir is not set: {advice}")
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


def propose(folder: Path) -> str:
    """Says what the .npz files are that lie in a folder, and which setting reads them; "" if none.

    The folder is one that was taken for a folder of class folders.
    """
    sets: list[str] = []
    others: list[str] = []
    for name in list_loose_files(folder):
        if name.lower().endswith(".npz"):
            (sets if _has_labels(folder / name) else others).append(name)
    sentences = []
    if sets:
        sentences.append(
            f" {some(sets)}: images and labels in one file, as MedMNIST has them; "
            f"{flag('data.name', 'medmnist')} {flag('data.dir', str(folder / sets[0]))} reads it."
        )
    if others:
        sentences.append(
            f" {some(others)}: arrays; those of your own belong into class folders, "
            "<class>/<file>.npz, with one array each."
        )
    return "".join(sentences)


def _has_labels(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{part}_labels.npy" for part in PARTS} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


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
        for image in read_array(path, name):
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
    labels = read_array(path, f"{part}_labels")
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


def read_array(path: Path, name: str) -> np.ndarray:
    """Returns one array; raises UserError if it is damaged or not there."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            array: np.ndarray = arrays[name]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, name, error) from error
    return array


def _unreadable(path: Path, name: str, error: Exception) -> UserError:
    return UserError(f"{path}: the array {name} can't be read ({error}); download the file again")
