"""Any tree of images with one folder per class: `root/<class>/**/<image>`."""

import collections
import itertools
from pathlib import Path

from synthmed_jax.data.sets import builders
from synthmed_jax.data.sets.listing import ImageFile, is_image, walk_files
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError

# Names of the folders of a set that others have divided; the classes are then one level below.
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}


class Folder(builders.ImageBuilder):
    """The user's own images: the first folder level names the class, images may lie deeper."""

    DESCRIPTION = "Images of the user's own folder, one folder a class."
    CITATION = "None: the user's own images."

    @classmethod
    def make_source(cls, settings: DataSettings) -> builders.Source:
        """Lists and reads the files of `settings.dir`; errors as of `list_files`, or no `dir`."""
        if not settings.dir:
            raise UserError("data.dir is not set: give a folder that holds one folder per class")
        root = Path(settings.dir).expanduser()
        return builders.hash_source(root, *list_files(root))


def list_files(root: Path) -> tuple[tuple[str, ...], list[ImageFile]]:
    """Returns the class names (sorted) and every image of a folder-per-class tree, sorted by path.

    Hidden folders, and the `__MACOSX` that macOS puts into archives, are no classes; images that
    lie directly in `root` have no class and are left out. Files that are no images by their ending
    are left out too; a line on standard output counts them.

    Raises:
      UserError: `root` is not a folder, or holds fewer than two class folders, parts of a set
        instead of classes, or a class without images or with a name that is not UTF-8.
    """
    if not root.is_dir():
        raise UserError(
            f"data.dir={str(root)!r} is no folder: give one that holds a folder of images per class"
        )
    folders = sorted((path for path in root.iterdir() if path.is_dir()), key=lambda path: path.name)
    folders = [f for f in folders if not f.name.startswith(".") and f.name != "__MACOSX"]
    if len(folders) < 2:
        names_there = ", ".join(folder.name for folder in folders) or "none"
        raise UserError(
            f"data.dir={str(root)!r} needs at least two class folders (<class>/<image>), "
            f"found: {names_there}"
        )
    names = [folder.name for folder in folders]
    if {name.lower() for name in names} <= PARTS:
        raise UserError(
            f"data.dir={str(root)!r} holds {', '.join(names)}, which are parts and not classes: "
            "give a folder of images per class, those of all parts together (this program divides "
            "them itself)"
        )
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"data.dir={str(root)!r}: the class folder {name!r} has a name that is no UTF-8; "
                "rename it"
            ) from error
    everything = [walk_files(folder) for folder in folders]
    images = [list(filter(is_image, paths)) for paths in everything]
    others = collections.Counter(
        Path(file).suffix or "no ending"
        for paths in everything
        for file in itertools.filterfalse(is_image, paths)
    )
    left_out = ", ".join(f"{count} of {ending}" for ending, count in others.most_common())
    empty = [folder.name for folder, paths in zip(folders, images, strict=True) if not paths]
    if empty:
        raise UserError(
            f"no images in class folder(s) {', '.join(empty)} of {str(root)!r}: every folder there "
            "counts as a class; add images or move the folder away"
            + (f". Files that are no images by their ending: {left_out}" if others else "")
        )
    if others:
        print(f"data.dir={str(root)!r}: left out {left_out}, no images by their ending", flush=True)
    files = [
        ImageFile(f"{folder.name}/{file}", label)
        for label, (folder, paths) in enumerate(zip(folders, images, strict=True))
        for file in paths
    ]
    return tuple(names), sorted(files)
