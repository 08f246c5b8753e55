"""Any tree of images with one folder per class, or one folder and a table of their labels."""

from collections.abc import Sequence
from pathlib import Path

from synthmed_jax import checks
from synthmed_jax.data import formats
from synthmed_jax.data import settings as data_settings
from synthmed_jax.data.counted import counted
from synthmed_jax.data.sets import builders, class_folders, guards, labels_table, masks
from synthmed_jax.data.sets.class_folders import ClassFolder
from synthmed_jax.data.sets.folder_names import is_system
from synthmed_jax.data.sets.listing import (
    ImageFile,
    LeftOut,
    Listed,
    links_out,
    list_folders,
    list_loose_files,
    sort_out,
    walk_files,
)
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError

# macOS puts it into archives; it holds no images that anybody made.
_OF_ARCHIVES = "__MACOSX"


class Folder(builders.ImageBuilder):
    """The user's own images: a folder names the class, images may lie deeper; or a table does."""

    DESCRIPTION = "Images of the user's own folder, one folder a class."
    CITATION = "None: the user's own images."

    READS_FIELDS_OF_FOLDERS = True

    @classmethod
    def check_settings(cls, settings: DataSettings) -> None:
        """Raises UserError for fields that exclude or need each other."""
        super().check_settings(settings)
        if settings.table and settings.parts:
            raise UserError(
                "config.data.parts says where class folders are, and config.data.table that there "
                "are none (it takes images at any depth): give one of them"
            )
        if settings.table and settings.keep_masks:
            raise UserError(
                "config.data.keep_masks is about masks in class folders; with config.data.table "
                "an image is what a row names: leave it at False"
            )
        if settings.columns and not settings.table:
            raise UserError("config.data.columns names columns of config.data.table, which is ''")

    @classmethod
    def make_source(cls, settings: DataSettings) -> builders.Source:
        """Lists and reads the files of `settings.dir`; errors as of `list_files`, or no `dir`."""
        if not settings.dir:
            raise UserError(
                "--config.data.dir is not set: give a folder that holds one folder per class"
            )
        listed = list_files(settings)
        guards.check_distinct(listed.root, listed.class_names)
        _say_links(listed)
        return builders.hash_source(
            listed.root,
            listed.class_names,
            listed.files,
            settings,
            left_out=listed.left_out,
            patients=listed.patients,
            labels_in_key=listed.labels_in_key,
        )


def list_files(settings: DataSettings) -> Listed:
    """Finds the images of `settings.dir`, sorted by path, and their classes, sorted by name.

    Classes are the folders in `settings.dir` (or in the only folder there), or those in the folders
    of `settings.parts`, or what `settings.table` says. Hidden folders are no classes.

    Raises:
      UserError: there are fewer than two classes, folders that look like something else
        (guards.py), masks beside images (masks.py), or a class without images or with a name that
        is not UTF-8.
    """
    given = Path(settings.dir).expanduser()
    if given.is_file() and given.suffix.lower() == ".npz":
        raise UserError(
            f"data.dir={str(given)!r} is a file and no folder: a data set of MedMNIST is read with "
            "--config=configs/medmnist_ddpm.py; arrays of your own belong into class folders, "
            "<class>/<file>.npy"
        )
    if not given.is_dir():
        raise UserError(
            f"data.dir={str(given)!r} is no folder: give one that holds a folder of images per "
            "class"
        )
    if settings.table:
        return labels_table.list_labelled(settings)
    parts, wanted = data_settings.names(settings.parts), data_settings.names(settings.classes)
    root = given if set(parts) & set(list_folders(given)) else _open_wrapper(given)
    tops = [name for name in list_folders(root) if name != _OF_ARCHIVES]
    paths = _folders_of_parts(root, parts, tops) if parts else tops
    folders, left_out = class_folders.read(root, paths, ("", *parts), settings)
    if _OF_ARCHIVES in list_folders(root):
        left_out.append(LeftOut(_OF_ARCHIVES, "", "a folder of the system"))
    if parts:
        left_out += _others_than_parts(root, [name for name in tops if name not in parts])
    tree = guards.Tree(given, root, {folder.name: folder.images for folder in folders})
    if wanted:
        folders, unwanted = _only(folders, wanted)
        left_out += unwanted
    elif parts:
        guards.check_class_names(root, sorted(tree.images))
    else:
        guards.check_names(tree)
    if len({folder.name for folder in folders}) < 2:
        raise guards.too_few(tree, wanted)
    left_out += [entry for folder in folders for entry in folder.left_out]
    images = class_folders.by_class(root, folders)
    # Masks first: their refusal knows more of folders that hold images and masks.
    masks.check(root, images, settings)
    if not (wanted or parts):
        guards.check_subfolders(tree, settings)
    files = [ImageFile(f, label) for label, name in enumerate(images) for f in images[name]]
    return Listed(root, tuple(images), sorted(files), left_out, labels_in_key=bool(parts))


def _say_links(listed: Listed) -> None:
    """Says which images lie elsewhere: their bytes go into the prepared copy."""
    out = links_out(listed.root, (file for file, _ in listed.files))
    if out:
        file, target = next(iter(out.items()))
        print(
            f"{listed.root}: links lead out of it for {counted(len(out), 'image')}, as {file} -> "
            f"{target}",
            flush=True,
        )


def _open_wrapper(given: Path) -> Path:
    """Returns the only folder in a folder, if there are no images beside it but folders in it."""
    inside = [name for name in list_folders(given) if not is_system(name)]
    if len(inside) != 1 or any(formats.is_image(given / name) for name in list_loose_files(given)):
        return given
    only = given / inside[0]
    if len([name for name in list_folders(only) if not is_system(name)]) < 2:
        return given
    print(
        f"data.dir={str(given)!r} holds one folder, {only.name}: its folders are taken", flush=True
    )
    return only


def _folders_of_parts(root: Path, parts: Sequence[str], tops: Sequence[str]) -> list[str]:
    for part in parts:
        checks.one_of(f"config.data.parts (folders in {root})", part, tops)
    return [
        f"{part}/{name}"
        for part in parts
        for name in list_folders(root / part)
        if not is_system(name) and name != _OF_ARCHIVES
    ]


def _others_than_parts(root: Path, others: Sequence[str]) -> list[LeftOut]:
    """Leaves out the images of folders that are no parts, and says how many there are."""
    left_out = []
    for name in others:
        images, _ = sort_out(root, name, walk_files(root / name), "")
        left_out += [LeftOut(f"{name}/{file}", "", "not in data.parts") for file in images]
        print(
            f"{root / name} is not among data.parts: left out, {counted(len(images), 'image')}",
            flush=True,
        )
    return left_out


def _only(
    folders: Sequence[ClassFolder], wanted: Sequence[str]
) -> tuple[list[ClassFolder], list[LeftOut]]:
    """Takes the folders of the wanted classes; images of the others are left out."""
    there = sorted({folder.name for folder in folders})
    for name in wanted:
        checks.one_of("config.data.classes", name, there)
    kept = [folder for folder in folders if folder.name in wanted]
    return kept, [
        LeftOut(file, "", "not among data.classes")
        for folder in folders
        if folder.name not in wanted
        for file in folder.files
    ]
