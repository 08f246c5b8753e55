"""The folders of images of one class each: read, and put together by class."""

import dataclasses
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthmed_jax.data import formats
from synthmed_jax.data import settings as data_settings
from synthmed_jax.data.sets import exclude, usable_names
from synthmed_jax.data.sets.flags import flag, some
from synthmed_jax.data.sets.listing import LINK_UP, LeftOut, list_loose_files, sort_out, walk_files
from synthmed_jax.errors import UserError

BESIDE = "lies beside the class folders"


@dataclasses.dataclass(frozen=True)
class ClassFolder:
    """One folder of images of one class.

    Attributes:
      path: of the folder, below the data set's root: "benign" or "train/benign".
      images: POSIX paths below the folder.
      left_out: files in the folder that are no images of the set; their paths are below the root.
    """

    path: str
    images: list[str]
    left_out: list[LeftOut]

    @property
    def name(self) -> str:
        """Of the class."""
        return _name_of(self.path)

    @property
    def files(self) -> list[str]:
        """The images, as POSIX paths below the root."""
        return [f"{self.path}/{file}" for file in self.images]


def read(
    root: Path, paths: Sequence[str], above: Sequence[str], settings: data_settings.DataSettings
) -> tuple[list[ClassFolder], list[LeftOut]]:
    """Lists the files of all class folders, but for those of `data.exclude`.

    Args:
      paths: the class folders, below `root`.
      above: the folders above the class folders, below `root`; "" is `root` itself.

    Returns:
      The class folders, without those that `data.exclude` has emptied, and what is in none.

    Raises:
      UserError: two of the classes are one folder, by a link.
    """
    paths, rest = _own_folders(root, paths, settings)
    walked = {path: walk_files(root / path) for path in paths}
    loose = [
        f"{folder}/{file}" if folder else file
        for folder in above
        for file in list_loose_files(root / folder)
    ]
    everything = [f"{path}/{file}" for path in paths for file in walked[path]] + loose
    out = exclude.matched(everything, data_settings.names(settings.exclude))
    folders = []
    for path, files in walked.items():
        name = _name_of(path)
        kept = [file for file in files if f"{path}/{file}" not in out]
        images, left_out = sort_out(root, path, kept, name)
        excluded = [f"{path}/{file}" for file in files if f"{path}/{file}" in out]
        if excluded and not images:
            rest += [LeftOut(file, "", exclude.REASON) for file in excluded]
            rest += [dataclasses.replace(entry, class_name="") for entry in left_out]
            print(f"{path}: all images match data.exclude, so it is no class folder", flush=True)
            continue
        left_out += [LeftOut(file, name, exclude.REASON) for file in excluded]
        folders.append(ClassFolder(path, images, left_out))
    for file in loose:
        if file in out:
            rest.append(LeftOut(file, "", exclude.REASON))
        elif formats.is_image(root / file):
            rest.append(LeftOut(file, "", BESIDE))
    return folders, rest


def _own_folders(
    root: Path, paths: Sequence[str], settings: data_settings.DataSettings
) -> tuple[list[str], list[LeftOut]]:
    """Returns the class folders without links to a folder above, or to one of the same class."""
    wanted = set(data_settings.names(settings.classes))
    own: dict[str, str] = {}
    left_out = []
    # Folders before links: an image has the name of the folder where it lies.
    for path in sorted(paths, key=lambda each: os.path.islink(root / each)):
        real = os.path.realpath(root / path)
        other = own.setdefault(real, path)
        names = {_name_of(path), _name_of(other)}
        if Path(os.path.realpath(root)).is_relative_to(real) or (other != path and len(names) < 2):
            left_out.append(LeftOut(path, "", LINK_UP))
        elif other != path and names <= (wanted or names):
            rest = sorted({_name_of(each) for each in paths} - {_name_of(path)})
            raise UserError(
                f"data.dir={str(root)!r}: the classes {other!r} and {path!r} are one folder, by a "
                "link, and its images would have two labels: remove the link that is wrong"
                + (f", or name the classes, {flag('data.classes', *rest)}" if len(rest) > 1 else "")
            )
    skipped = {entry.file for entry in left_out}
    return [path for path in paths if path not in skipped], left_out


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


def by_class(root: Path, folders: Sequence[ClassFolder]) -> Mapping[str, list[str]]:
    """Returns class name -> its images, names sorted; refuses names and classes of no use."""
    together: dict[str, list[str]] = {name: [] for name in sorted({f.name for f in folders})}
    for folder in folders:
        together[folder.name] += folder.files
    for name in together:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"data.dir={str(root)!r}: the class folder {name!r} has a name that is no UTF-8; "
                "rename it"
            ) from error
    usable_names.check(together, f"data.dir={str(root)!r}: the folder")
    empty = [name for name, images in together.items() if not images]
    if empty:
        raise UserError(_no_images(root, empty, folders, list(together)))
    return together


def _no_images(
    root: Path, empty: Sequence[str], folders: Sequence[ClassFolder], names: Sequence[str]
) -> str:
    reasons = [e.reason for folder in folders for e in folder.left_out if folder.name in empty]
    counts = {reason: len(list(group)) for reason, group in itertools.groupby(sorted(reasons))}
    shown = "; ".join(f"{count} {reason}" for reason, count in counts.items())
    rest = [name for name in names if name not in empty]
    return (
        f"no images in class folder(s) {some(empty, 10)} of {str(root)!r}: every folder there "
        "counts as a class; add images, move the folder away"
        + (f" or name the classes, {flag('data.classes', *rest)}" if len(rest) > 1 else "")
        + (f". Left out there: {shown}" if shown else "")
    )
