"""Images below a folder: which files there are, and one hash over their names and contents."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from synthmed_jax.data.formats import raster
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, sha256_of
from synthmed_jax.progress import file_progress_bar


class ImageFile(NamedTuple):
    """One image of a data set.

    `file` is its POSIX path below the data set's root, `label` the index of its class.
    """

    file: str
    label: int


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A file that lies in the data set's folder and is no part of the data set.

    Attributes:
      file: its POSIX path below the data set's root.
      class_name: of the class that it would belong to; "" where that is not known.
      reason: in words, the same for all files that are left out for the same reason.
      detail: what is wrong with this very file; "" where the reason says it all.
    """

    file: str
    class_name: str
    reason: str
    detail: str = ""


def walk_files(folder: Path) -> list[str]:
    """Lists the files at any depth below a folder: POSIX paths relative to it, sorted.

    Hidden files and folders do not count. Links are followed, but no folder is walked twice.
    """
    paths, seen = [], set()
    for where, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        # A link to a folder above itself would be walked for ever.
        folders[:] = [f for f in folders if not f.startswith(".")] if real not in seen else []
        files = files if real not in seen else []
        seen.add(real)
        paths += [
            (Path(where) / file).relative_to(folder).as_posix()
            for file in files
            if not file.startswith(".")
        ]
    return sorted(paths)


def is_image(file: str) -> bool:
    """Whether a file's name ends like an image's, in lower or upper case."""
    return Path(file).suffix.lower() in raster.endings()


def walk_images(folder: Path) -> list[str]:
    """Lists the images among `walk_files`."""
    return [file for file in walk_files(folder) if is_image(file)]


def hash_files(root: Path, files: Sequence[ImageFile]) -> str:
    """Reads all files and returns their `content_hash`.

    Raises:
      UserError: a file can't be read.
    """
    digests = []
    for file, _ in file_progress_bar(files, "reading"):
        try:
            digests.append((file, sha256_of(root / file)))
        except OSError as error:  # such as a link into an archive that was not fetched
            raise UserError(
                f"{root / file} can't be read ({error.strerror}): mend or remove it"
            ) from error
    return content_hash(digests)


def content_hash(digests: Iterable[tuple[str, str]]) -> str:
    """Returns the sha256 over (path, sha256 of the content) pairs, in order of the paths."""
    lines = "".join(f"{file}\0{digest}\n" for file, digest in sorted(digests))
    return sha256(lines.encode("utf-8", "surrogateescape"))
