"""The folders of images of one class each: read, and put together by class."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthmed_jax.data import formats
from synthmed_jax.data import settings as data_settings
from synthmed_jax.data.sets import exclude
from synthmed_jax.data.sets.flags import flag, some
from synthmed_jax.data.sets.listing import LeftOut, list_loose_files, sort_out, walk_files
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
        return self.path.rpartition("/")[2]

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
    """
    walked = {path: walk_files(root / path) for path in paths}
    loose = [
        f"{folder}/{file}" if folder else file
        for folder in above
        for file in list_loose_files(root / folder)
    ]
    everything = [f"{path}/{file}" for path in paths for file in walked[path]] + loose
    out = exclude.matched(everything, data_settings.names(settings.exclude))
    folders, rest = [], []
    for path, files in walked.items():
        name = path.rpartition("/")[2]
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
