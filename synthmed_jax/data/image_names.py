"""Which image a table means: names as people, spreadsheets and other machines write them."""

import collections
import functools
import itertools
import os
import unicodedata
from collections.abc import Callable, Iterable

from synthmed_jax.data import formats

_LONGEST = 4096  # characters; no path is longer, and comparing a longer cell would take long
_OTHER_ENDINGS = frozenset((".dcm", ".dicom", ".nii", ".gz", ".npy", ".npz"))


class ImageNames:
    """The images of a set, to be found by names that need not be their exact paths.

    Args:
      files: relative POSIX paths.
    """

    def __init__(self, files: Iterable[str]):
        self._files = frozenset(files)
        self._folders = {fold(part) for file in self._files for part in _parts(file)[:-1]}
        # The strictest way of comparing base names comes first; the first that finds any decides.
        self._by_base = [(way, _index(self._files, way)) for way in _WAYS]

    def matches(self, cell: str) -> list[str]:
        """Returns the images that a table's cell may mean: none, one, or several that fit alike.

        Compared are, in this order: the whole path; the base name; the base name without its normal
        form (macOS writes an umlaut as two characters), then without its case, then without its
        ending. Of several images that share the base name those win that share most folders with
        the cell, counted from the end; so absolute paths and other leading folders do no harm.
        """
        if len(cell) > _LONGEST:
            return []
        path = cell.replace("\\", "/").removeprefix("./")
        if path in self._files:
            return [path]
        *folders, base = _parts(path) or [""]
        for way, index in self._by_base:
            found = index.get(way(base), ())
            if found:
                return self._nearest([fold(folder) for folder in folders], found)
        return []

    def _nearest(self, folders: list[str], files: Iterable[str]) -> list[str]:
        shared = {}
        for file in files:
            own = [fold(part) for part in _parts(file)[:-1]]
            pairs = zip(own[::-1], folders[::-1], strict=False)
            same = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
            ends = same in (len(own), len(folders))
            # a/1.png is not b/1.png, where the set has a folder called a.
            if ends or folders[-1 - same] not in self._folders:
                shared[file] = same
        most = max(shared.values(), default=0)
        return sorted(file for file, same in shared.items() if same == most)


def stem_of(name: str) -> str:
    """Returns a base name without the ending of an image, such as .png or .nii.gz."""
    while True:
        stem, ending = os.path.splitext(name)
        if not stem or ending.lower() not in _endings():
            return name
        if ending.lower() != ".gz":
            return stem
        name = stem


def fold(name: str) -> str:
    """Returns what is the same of names that differ only in case or normal form."""
    return _composed(name).casefold()


@functools.cache
def _endings() -> frozenset[str]:
    return formats.endings() | _OTHER_ENDINGS


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _index(files: Iterable[str], way: Callable[[str], str]) -> dict[str, list[str]]:
    index = collections.defaultdict(list)
    for file in files:
        index[way(file.rpartition("/")[2])].append(file)
    return dict(index)


_WAYS: tuple[Callable[[str], str], ...] = (
    str,
    _composed,
    fold,
    lambda name: _composed(stem_of(name)),
    lambda name: fold(stem_of(name)),
)
