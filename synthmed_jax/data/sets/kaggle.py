"""What the three Kaggle sets share: known folders, and how to get them where they are missing."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import ClassVar

from synthmed_jax.data.sets import builders
from synthmed_jax.data.sets.listing import ImageFile, LeftOut, sort_out, walk_files
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError


class KaggleImages(builders.ImageBuilder):
    """Base of the Kaggle sets, whose folders and classes are known.

    Class attributes: `CLASS_FOLDERS` maps a class to its folders below the root (`{variant}` is
    filled in), `FOLDER_NAMES` are the names that a parent folder may hold the root under, `KAGGLE`
    is Kaggle's owner/name.
    """

    CLASS_FOLDERS: ClassVar[dict[str, tuple[str, ...]]] = {}
    FOLDER_NAMES: ClassVar[tuple[str, ...]] = ()
    KAGGLE: ClassVar[str] = ""
    TAKES_ALL_BELOW_DIR = False

    @classmethod
    def make_source(cls, settings: DataSettings) -> builders.Source:
        """Finds the files, or fetches them with kagglehub; errors as of `find_root`."""
        root = find_root(cls, settings.dir, settings.variant)
        names, files, left_out = cls.list_all(root, settings.variant)
        return builders.hash_source(root, names, files, settings, left_out=left_out)

    @classmethod
    def class_folders(cls, variant: str) -> dict[str, tuple[str, ...]]:
        """Returns class name -> folders below the root, class names sorted."""
        return {
            name: tuple(folder.format(variant=variant) for folder in cls.CLASS_FOLDERS[name])
            for name in sorted(cls.CLASS_FOLDERS)
        }

    @classmethod
    def holds(cls, root: Path, variant: str) -> bool:
        """Whether every folder of the layout is below `root`."""
        folders = cls.class_folders(variant).values()
        return all((root / folder).is_dir() for several in folders for folder in several)

    @classmethod
    def list_files(cls, root: Path, variant: str) -> tuple[tuple[str, ...], list[ImageFile]]:
        """Returns the class names and every image below `root`, sorted by path."""
        names, files, _ = cls.list_all(root, variant)
        return names, files

    @classmethod
    def list_all(
        cls, root: Path, variant: str
    ) -> tuple[tuple[str, ...], list[ImageFile], list[LeftOut]]:
        """Returns what `list_files` does, and what lies in the class folders and is no image."""
        classes = cls.class_folders(variant)
        files: list[ImageFile] = []
        left_out: list[LeftOut] = []
        for label, (name, folders) in enumerate(classes.items()):
            for folder in folders:
                images, others = sort_out(root, folder, walk_files(root / folder), name)
                files += [ImageFile(f"{folder}/{file}", label) for file in images]
                left_out += others
        return tuple(classes), sorted(files), left_out


def find_root(builder_class: type[KaggleImages], given: str, variant: str) -> Path:
    """Returns the folder that holds Kaggle's layout: `given`, or one below it, or a download.

    kagglehub (an optional package) is asked only when `given` is empty or does not exist: a folder
    of another layout is the user's to mend, and must not be replaced by other images in silence.

    Raises:
      UserError: with citation, homepage, download instructions and the layout.
    """
    parent = Path(given).expanduser()
    if given and parent.is_dir():
        for root in (parent, *(parent / name for name in builder_class.FOLDER_NAMES)):
            if builder_class.holds(root, variant):
                return root
        raise UserError(
            f"data.dir={given!r} holds no {builder_class.name} data.\n"
            + _instructions(builder_class, variant)
        )
    missing = f"data.dir={given!r} does not exist" if given else "--config.data.dir is not set"
    if importlib.util.find_spec("kagglehub") is None:
        raise UserError(f"{missing}.\n" + _instructions(builder_class, variant))
    print(f"{missing}: fetching {builder_class.KAGGLE} with kagglehub", file=sys.stderr)
    try:
        root = Path(importlib.import_module("kagglehub").dataset_download(builder_class.KAGGLE))
    except Exception as error:  # kagglehub's errors share no base class
        raise UserError(
            f"{missing}, and kagglehub could not fetch it ({type(error).__name__}: {error}).\n"
            + _instructions(builder_class, variant)
        ) from error
    if not builder_class.holds(root, variant):
        raise UserError(
            f"kagglehub fetched {root}, which has another layout.\n"
            + _instructions(builder_class, variant)
        )
    return root


def _instructions(builder_class: type[KaggleImages], variant: str) -> str:
    owner_name = builder_class.KAGGLE
    folders = builder_class.class_folders(variant).values()
    layout = "\n".join(f"  {folder}/*.jpg or .png" for several in folders for folder in several)
    return (
        f"Get it from {builder_class.HOMEPAGE} (a Kaggle account is needed), either\n"
        "  in a browser: Download, then unpack the archive, or\n"
        f"  pip install kaggle; kaggle datasets download {owner_name} --unzip -p <folder>, or\n"
        "  pip install kagglehub, leave data.dir empty, and it is fetched on the first run,\n"
        "then set --config.data.dir to the folder that holds (itself, or in a folder named "
        f"{' or '.join(builder_class.FOLDER_NAMES)})\n{layout}\n"
        f"Please cite: {builder_class.CITATION}\n"
        "To try the program without any download use configs/phantom_ddpm.py."
    )
