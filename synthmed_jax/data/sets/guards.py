"""Folders that are no classes: each refusal says what they look like, and how to go on."""

import collections
import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from synthmed_jax.data import formats, image_names
from synthmed_jax.data import settings as data_settings
from synthmed_jax.data.counted import counted
from synthmed_jax.data.sets import labels_table, medmnist_file
from synthmed_jax.data.sets.flags import flag, some
from synthmed_jax.data.sets.folder_names import (
    COPIES,
    MASKS,
    PART,
    SYSTEM,
    WRAPPER,
    kind_of,
    order_of_part,
)
from synthmed_jax.data.sets.listing import list_loose_files
from synthmed_jax.errors import UserError

MOST_GRADES = 12
"""More numbered folders than this are no grades of one disease."""


@dataclasses.dataclass(frozen=True)
class Tree:
    """The folders that would be the classes of a set.

    Attributes:
      given: `data.dir`.
      root: the folder that holds the classes: `given`, or the only folder in it.
      images: top folder -> its images, POSIX paths relative to that folder.
    """

    given: Path
    root: Path
    images: Mapping[str, Sequence[str]]

    def subfolders(self, name: str) -> frozenset[str]:
        """Returns the folders in a top folder that have images in them."""
        return frozenset(f.partition("/")[0] for f in self.images[name] if "/" in f)

    def has_own_images(self, name: str) -> bool:
        """Whether images lie directly in a top folder."""
        return any("/" not in file for file in self.images[name])


def check_names(tree: Tree) -> None:
    """Raises UserError if a top folder has the name of a part, of masks, of a wrapper or the like.

    The message has the flags that take the images as they lie, where there is such a way.
    """
    kinds = {name: kind for name in tree.images if (kind := kind_of(name))}
    if not kinds:
        return
    rest = [name for name in tree.images if name not in kinds and tree.images[name]]
    raise UserError(
        f"data.dir={str(tree.root)!r} holds folders that do not look like classes: {_named(kinds)}."
        f" {_way_on(tree, kinds, rest)}"
        # Folders of the system never are: then the way on has named all others.
        + (_if_classes(tree) if set(kinds.values()) != {SYSTEM} else "")
    )


def check_class_names(root: Path, names: Iterable[str]) -> None:
    """Raises UserError if a folder in the folders of `data.parts` is no class by its name."""
    names = list(names)
    kinds = {name: kind for name in names if (kind := kind_of(name))}
    if kinds:
        rest = [name for name in names if name not in kinds]
        raise UserError(
            f"the folders of data.parts in {str(root)!r} hold folders that do not look like "
            f"classes: {_named(kinds)}. {flag('data.classes', *(rest or names))} names the classes"
        )


def check_distinct(root: Path, names: Iterable[str]) -> None:
    """Raises UserError if the names of two classes are one but for case or normal form.

    One of them is a slip as a rule; and where a file system takes them for one, their synthetic
    images would come into one folder.
    """
    alike: dict[str, str] = {}
    for name in names:
        other = alike.setdefault(image_names.fold(name), name)
        if other != name:
            raise UserError(
                f"data.dir={str(root)!r}: the classes {other!r} and {name!r} are the same but for "
                "upper and lower case, or for how their letters are stored. If they are one class, "
                "write them alike, in the folders or in the table; else rename one of them"
            )


def check_subfolders(tree: Tree, settings: data_settings.DataSettings) -> None:
    """Raises UserError if several top folders hold the same subfolders, and no images themselves.

    So do parts whose names say nothing (hospital_a, hospital_b), and classes that hold images and
    masks. Parts within classes (glioma/Training, glioma/Testing) are as they should be, and so are
    numbered folders, of patients or series (glioma/001, glioma/002).
    """
    alike: dict[frozenset[str], list[str]] = collections.defaultdict(list)
    for name in tree.images:
        if len(tree.subfolders(name)) > 1 and not tree.has_own_images(name):
            alike[tree.subfolders(name)].append(name)
    for below, names in alike.items():
        if len(names) < 2:
            continue
        unwanted = {COPIES} if settings.keep_masks else {COPIES, MASKS}
        strangers = sorted(name for name in below if kind_of(name) in unwanted)
        classes = sorted(name for name in below if kind_of(name) is None)
        if strangers:
            globs = [*data_settings.names(settings.exclude), *(f"*/{s}/*" for s in strangers)]
            keep = f", {flag('data.keep_masks', 'True')} takes masks as images"
            way = f"{flag('data.exclude', *globs)} leaves out {', '.join(strangers)}" + (
                keep if MASKS in map(kind_of, strangers) else ""
            )
        elif len(classes) > 1 and not _are_numbered(classes):
            way = (
                f"If {some(classes, 6)} are the classes, "
                f"{flag('data.parts', *sorted(names, key=order_of_part))} takes them together"
            )
        else:
            continue
        raise UserError(
            f"data.dir={str(tree.root)!r}: the folders {some(names, 6)} all hold the same folders, "
            f"{some(sorted(below), 6)}. {way}.{_if_classes(tree)}"
        )


def too_few(tree: Tree, wanted: Sequence[str]) -> UserError:
    """Returns the error for fewer than two class folders; `wanted` are those of `data.classes`."""
    table = labels_table.propose((tree.root, tree.given), tree.root)
    loose = [name for name in list_loose_files(tree.root) if formats.is_image(tree.root / name)]
    above = (
        f". {counted(len(loose), 'image')} in it, in no folder: if they are of one class, give the "
        "folder that holds it and the others; if they are of several, a table that names the class "
        f"of each ({flag('data.table', '<table>.csv')})"
        if loose and not table
        else ""
    )
    arrays = medmnist_file.propose(tree.root)
    return UserError(
        f"data.dir={str(tree.root)!r} needs at least two class folders (<class>/<image>), "
        f"found: {some(tree.images, 6) or 'none'}"
        + (f", of which data.classes wants {some(wanted, 6)}" if wanted else "")
        + (f". A table of labels lies there: {table} takes the labels from it" if table else above)
        + (f".{arrays}" if arrays else "")
    )


def _way_on(tree: Tree, kinds: Mapping[str, str], rest: Sequence[str]) -> str:
    parts = _parts_with_classes(tree, [name for name in kinds if kinds[name] == PART])
    wrappers = [name for name in kinds if kinds[name] == WRAPPER]
    if not parts and set(kinds.values()) == {WRAPPER, MASKS}:  # images/a, masks/a
        wrapped = _parts_with_classes(tree, wrappers)
        if wrapped:
            return (
                f"{flag('data.parts', *wrapped)} takes the classes in {', '.join(wrapped)} alone."
            )
    if parts:
        classes = sorted(frozenset().union(*map(tree.subfolders, parts)))
        return (
            f"{flag('data.parts', *parts)} takes the classes {some(classes, 6)} from these parts "
            "together (this program divides them itself)."
        )
    spare = set(kinds.values()) <= {MASKS, COPIES, SYSTEM}
    if len(rest) > 1 and spare:
        return f"{flag('data.classes', *rest)} takes the others."
    table = labels_table.propose((tree.root, tree.given), tree.root)
    if table:
        return f"A table of labels lies there: {table} takes the labels from it."
    if len(rest) > 1:
        return f"{flag('data.classes', *rest)} takes the others."
    return (
        "Give a folder of images per class, or a table with the columns file,label: "
        "--config.data.table=labels.csv."
    )


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether these are folders of patients or series by their names: 001, P17, MR_0003.

    Grades of a disease have numbers as well, but few and short ones.
    """
    numbers = [re.findall(r"\d+", name) for name in names]
    long = all(any(len(number) >= 3 for number in each) for each in numbers)
    return all(numbers) and (long or len(names) > MOST_GRADES)


def _parts_with_classes(tree: Tree, parts: Sequence[str]) -> list[str]:
    """Returns the parts that hold class folders, train first; a part may lack some classes."""
    holding = [name for name in parts if tree.subfolders(name) and not tree.has_own_images(name)]
    most = max(map(tree.subfolders, holding), key=len, default=frozenset())
    if len([name for name in most if kind_of(name) is None]) < 2:
        return []
    return sorted((n for n in holding if tree.subfolders(n) <= most), key=order_of_part)


def _named(kinds: Mapping[str, str]) -> str:
    by_kind: dict[str, list[str]] = collections.defaultdict(list)
    for name, kind in kinds.items():
        by_kind[kind].append(name)
    return "; ".join(f"{', '.join(names)} (by name {kind})" for kind, names in by_kind.items())


def _if_classes(tree: Tree) -> str:
    classes = [name for name in tree.images if tree.images[name] and kind_of(name) != SYSTEM]
    if len(classes) < 2:
        return ""
    return f" If all of them are classes: {flag('data.classes', *classes)}"
