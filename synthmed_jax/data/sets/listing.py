"""Images below a folder: which files there are, and one hash over their names and contents."""

import dataclasses
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from synthmed_jax.data import formats
from synthmed_jax.data.sets.folder_names import is_system
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, sha256_of
from synthmed_jax.progress import file_progress_bar

LINK_UP = "a link to a folder that holds it or is listed already"
"""The reason of links that are not followed, in `LeftOut.reason`."""

# What a desktop leaves in every folder: nobody misses it, so it is not counted.
_OF_THE_DESKTOP = frozenset(("thumbs.db", "desktop.ini", "icon\r"))


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


@dataclasses.dataclass(frozen=True)
class Listed:
    """Which files of a folder are images of which class.

    Attributes:
      root: the folder that `files` are relative to.
      class_names: names by label, sorted.
      files: the images, sorted by path.
      left_out: what lies below `root` and is not among them.
      patients: file -> name of its patient, where a table tells it; None: it does not.
      labels_in_key: whether a file's class can change while its path and content do not.
    """

    root: Path
    class_names: tuple[str, ...]
    files: Sequence[ImageFile]
    left_out: Sequence[LeftOut]
    patients: Mapping[str, str] | None = None
    labels_in_key: bool = False


def walk_files(folder: Path) -> list[str]:
    """Lists the files at any depth below a folder: POSIX paths relative to it, sorted.

    Hidden files and folders do not count, nor do `Thumbs.db` and its like. A folder that does not
    exist holds no files. Links are followed, but no folder is walked twice: a link to one that is
    listed already, or that holds the link, stands in the list itself, for `sort_out` to leave out.

    Raises:
      UserError: a folder can't be listed.
    """
    paths: list[str] = []
    seen: set[str] = set()
    starts = [os.fspath(folder)]
    while starts:  # first the folder itself, then links: a link lends its name to no file beside it
        start = starts.pop(0)
        target = os.path.realpath(start)
        if target in seen or (seen and _leads_above(start, target, folder)):
            paths.append(_below(start, folder))
            continue
        for where, folders, files in os.walk(start, onerror=_refuse):
            real = os.path.realpath(where)
            if real in seen:  # below a link to a folder above one that was walked
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            starts += filter(os.path.islink, (os.path.join(where, name) for name in folders))
            below = _below(where, folder)
            prefix = "" if below == os.curdir else f"{below}/"
            paths += [
                prefix + file
                for file in files
                if not file.startswith(".") and file.lower() not in _OF_THE_DESKTOP
            ]
    return sorted(paths)


def list_folders(folder: Path) -> list[str]:
    """Returns the names of the folders in a folder, sorted: those that are not hidden.

    Raises:
      UserError: the folder can't be listed.
    """
    return sorted(name for name, is_folder in _entries(folder) if is_folder)


def list_loose_files(folder: Path) -> list[str]:
    """Returns the names of the files that lie directly in a folder, sorted, as `list_folders`."""
    return sorted(name for name, is_folder in _entries(folder) if not is_folder)


def ending_of(file: str) -> str:
    """Returns the ending of a file's name, such as ".txt"; "no ending" where there is none."""
    return PurePosixPath(file).suffix or "no ending"


def walk_images(folder: Path) -> list[str]:
    """Lists the images among `walk_files`."""
    return sort_out(folder, "", walk_files(folder), "")[0]


def sort_out(
    root: Path, folder: str, files: Iterable[str], class_name: str
) -> tuple[list[str], list[LeftOut]]:
    """Divides files into images and those that are left out.

    Images in folders of the system (thumbnails of a NAS) are left out; its other files are nobody's
    and are not counted. So are links that are not followed, and what can't be read to its end.

    Args:
      root: of the data set.
      folder: POSIX path below `root` that `files` are relative to; "": `root` itself.
      class_name: what the files left out belong to; "": not known.

    Returns:
      The images, relative to `folder`, and the files left out, relative to `root`; in order.
    """
    images: list[str] = []
    left_out: list[LeftOut] = []
    where, prefix = os.path.join(root, folder), f"{folder}/" if folder else ""
    systems: dict[str, str | None] = {}  # most files share a few folders
    for file in files:
        above = file.rpartition("/")[0]
        if above not in systems:
            systems[above] = next(filter(is_system, above.split("/")), None)
        system = systems[above]
        if system is None and (unusual := _unusual(os.path.join(where, file))):
            left_out.append(LeftOut(prefix + file, class_name, unusual))
            continue
        image = formats.is_image(Path(where, file))
        if image and system is None:
            images.append(file)
        elif image:
            reason = f"in a folder of the system ({system})"
            left_out.append(LeftOut(prefix + file, class_name, reason))
        elif system is None:
            reason = f"no image by its ending ({ending_of(file)})"
            left_out.append(LeftOut(prefix + file, class_name, reason))
    return images, left_out


def links_out(root: Path, files: Iterable[str]) -> dict[str, str]:
    """Returns file -> where it really is, of those that a link leads to from outside of `root`.

    Args:
      files: POSIX paths below `root`.
    """
    top, found = os.path.realpath(root), {}
    real: dict[str, str] = {}  # most files share a few folders
    for file in files:
        above, _, name = file.rpartition("/")
        if above not in real:
            real[above] = os.path.realpath(root / above)
        path = os.path.join(real[above], name)
        path = os.path.realpath(path) if os.path.islink(path) else path
        if not Path(path).is_relative_to(top):
            found[file] = path
    return found


def hash_files(root: Path, files: Sequence[ImageFile]) -> dict[str, str]:
    """Reads all files; returns path -> sha256 of the content (hexadecimal), in order of `files`.

    Raises:
      UserError: a file can't be read.
    """
    digests = {}
    for file, _ in file_progress_bar(files, "reading"):
        try:
            digests[file] = sha256_of(root / file)
        except OSError as error:  # such as a link into an archive that was not fetched
            raise UserError(
                f"{root / file} can't be read ({error.strerror}): mend or remove it"
            ) from error
    return digests


def content_hash(digests: Iterable[tuple[str, str]]) -> str:
    """Returns the sha256 over (path, sha256 of the content) pairs, in order of the paths."""
    return hash_in_order(sorted(digests))


def hash_in_order(digests: Iterable[tuple[str, str]]) -> str:
    """Returns the `content_hash` of pairs that come in order of the paths, and keeps none.

    Raises:
      ValueError: they come in another order.
    """
    sha, before = hashlib.sha256(), ""
    for file, digest in digests:
        if file < before:
            raise ValueError(f"{file} comes after {before}")
        sha.update(f"{file}\0{digest}\n".encode("utf-8", "surrogateescape"))
        before = file
    return sha.hexdigest()


def label_hash(files: Iterable[ImageFile], class_names: Sequence[str], content: str) -> str:
    """Returns the sha256 over a `content_hash` and the class of every file.

    It names the prepared copy where a file's class does not follow from its path.
    """
    lines = "".join(f"{file}\0{class_names[label]}\n" for file, label in sorted(files))
    return sha256(f"{content}\n{lines}".encode("utf-8", "surrogateescape"))


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Returns (name, whether it is a folder) of all that lies in a folder and is not hidden."""
    try:
        with os.scandir(folder) as entries:
            return [(e.name, e.is_dir()) for e in entries if not e.name.startswith(".")]
    except OSError as error:
        _refuse(error)
        return []


def _below(path: str, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _leads_above(link: str, target: str, folder: Path) -> bool:
    """Whether a link leads to a folder that holds it, or that holds `folder`."""
    inside = (os.path.realpath(os.path.dirname(link)), os.path.realpath(folder))
    return any(Path(each).is_relative_to(target) for each in inside)


def _unusual(path: str) -> str:
    """Says why what `walk_files` has found is no file that can be read to its end; "": it is."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # a link to nothing: whoever reads it says so
        return ""
    if stat.S_ISDIR(mode):
        return LINK_UP
    return "" if stat.S_ISREG(mode) else "a pipe, a socket or a device, and no file"


def _refuse(error: OSError) -> None:
    """Raises UserError for a folder that is there and can't be listed."""
    if not isinstance(error, FileNotFoundError):
        raise UserError(
            f"the folder {error.filename} can't be listed ({error.strerror}): images in it would "
            "be missing; give this user the right to read it, or move it away"
        ) from error
