"""The images of a synthetic set, read from its class folders as its manifests name them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synthmed_jax.data import decode
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.manifest import MANIFEST, ManifestRow, read_manifest
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import sha256, sha256_of
from synthmed_jax.progress import file_progress_bar


def load_synthetic(
    directory: Path, class_names: Sequence[str], counts: Sequence[int], channels: int = 3
) -> ImageSet:
    """Loads the first images (by index) of every class, decoded as real images are.

    Args:
      directory: holds manifest.csv and the class folders.
      class_names: sorted as in the real set; labels are indices into it.
      counts: images of each class, >= 1.
      channels: 1 or 3.

    Raises:
      Damaged: fewer images than asked for; a file missing, unreadable or not the one that the
        manifest's sha256 names.
      UserError: images of different sizes.
    """
    # By index, not by `used`: that column is of the run that drew last.
    rows = read_manifest(directory)
    chosen = []
    for name, count in zip(class_names, counts, strict=True):
        wanted = [row for row in rows if row.class_name == name and row.index < count]
        if sorted(row.index for row in wanted) != list(range(count)):
            raise _lacking(directory, name, len(wanted), count)
        chosen.append(wanted)
    return _load(directory, class_names, chosen, channels)


def load_used(
    directory: Path, class_names: Sequence[str], counts: Sequence[int], channels: int = 3
) -> ImageSet:
    """Loads the images that the manifest calls used, whatever their indices.

    Args:
      directory, class_names, channels: as of `load_synthetic`.
      counts: of each class as many must be used.

    Raises:
      Damaged: another number is; else as of `load_synthetic`.
      UserError: images of different sizes.
    """
    rows = [row for row in read_manifest(directory) if row.used]
    chosen = [[row for row in rows if row.class_name == name] for name in class_names]
    for name, count, of_class in zip(class_names, counts, chosen, strict=True):
        if len(of_class) != count:
            raise _lacking(directory, name, len(of_class), count)
    return _load(directory, class_names, chosen, channels)


def _lacking(directory: Path, name: str, there: int, count: int) -> Damaged:
    return Damaged(
        directory / MANIFEST,
        f"has {there} of the {count} synthetic images of {name} that are needed",
    )


def _load(
    directory: Path,
    class_names: Sequence[str],
    chosen: Sequence[Sequence[ManifestRow]],
    channels: int,
) -> ImageSet:
    """The images of the rows of each class, by index."""
    images: np.ndarray | None = None
    labels: list[int] = []
    files: list[str] = []
    for label, (name, rows) in enumerate(zip(class_names, chosen, strict=True)):
        in_order = sorted(rows, key=lambda row: row.index)
        for row in file_progress_bar(in_order, f"reading synthetic {name}"):
            image = _read_image(directory, row, channels)
            if images is None:  # one array from the start: they may fill half of the memory
                images = np.empty((sum(map(len, chosen)), *image.shape), np.uint8)
            if image.shape != images.shape[1:]:
                how = _how_to_redraw(directory)
                raise UserError(f"{directory} holds images of different sizes: {how}")
            images[len(files)] = image
            labels.append(label)
            files.append(row.path)
    if images is None:
        raise ValueError("no images are wanted")
    return ImageSet(images, np.asarray(labels, np.int32), tuple(files), tuple(class_names))


def is_whole(directory: Path, row: ManifestRow) -> bool:
    """Whether the file of a row is there, and the one that the row's sha256 names."""
    path = directory / row.path
    return path.is_file() and sha256_of(path) == row.sha256


def _how_to_redraw(directory: Path) -> str:
    marker = directory.parent / "stages" / "generate.json"
    return f"delete {directory / 'manifest.csv'} and {marker}, and the set is drawn anew"


def _read_image(directory: Path, row: ManifestRow, channels: int) -> np.ndarray:
    """Returns u8[H,W,channels]; raises Damaged unless the file is the one in the manifest."""
    path = directory / row.path
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise Damaged(path, "is gone") from error
    if sha256(content) != row.sha256:
        raise Damaged(path, "is damaged: it is not the image that manifest.csv names")
    return decode.decode_image(content, channels)
