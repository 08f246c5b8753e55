"""Another tree of images of the run's classes, such as another hospital's, read as the run's own.

The run's settings decode it: image size, channels, square, window, slices, largest image, and which
files are left out. What names the files and labels of the run's own set (table, parts, classes) is
not used: a folder of the tree names a class. Identical files under two labels are left out.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import os
from collections.abc import Mapping, Sequence

import numpy as np

from synthmed_jax import checks
from synthmed_jax.data import held_out, kept_duplicates, loading
from synthmed_jax.data.external_groups import ExternalGroups, group_external
from synthmed_jax.data.facts import GreyScale
from synthmed_jax.data.groups import tag_reader
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DataSettings, names
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import sha256

DIR = "config.evaluate.external_dir"
CLASSES = "config.evaluate.external_classes"
NONE = "-"
"""Stands for the folder of a class that the tree does not have."""


@dataclasses.dataclass(frozen=True, eq=False)
class ExternalTree:
    """The images of another tree, decoded as the run's own are.

    Attributes:
      images: with the class names and labels of the run; a class may have no image.
      classes: class of the run -> folder of the tree, or NONE.
      digest: sha256 (hexadecimal) over the files' paths and contents, and over `classes`.
      left_out: reason -> number of files that are left out for it.
      note: what is not known about their grey scale, a sentence; "": nothing.
    """

    images: ImageSet
    classes: Mapping[str, str]
    digest: str
    left_out: Mapping[str, int]
    note: str
    _loaded: loading.LoadedData

    def group(self, group_by: str) -> ExternalGroups:
        """Returns which images belong together by `split.group_by`.

        Near-duplicates take minutes of a large tree, the first time. Their threshold comes from
        these images: what is usual between different ones is another thing with another device.
        """

        def components_of() -> np.ndarray:
            pixels = self._loaded.images.images
            every = np.arange(len(pixels))
            return kept_duplicates.find(pixels, every, self._loaded.stem).components

        read_tag = tag_reader(self._loaded.content_of)
        return group_external(self._loaded.facts.sources, group_by, read_tag, components_of)


def parse_classes(text: str, class_names: Sequence[str]) -> dict[str, str]:
    """Reads which folder of the tree holds which class of the run.

    Args:
      text: "covid=COVID-19,normal=-", each class of the run once; "": the names are the same. An
        item with a comma is in quotes, as in CSV.
      class_names: all classes of the run.

    Returns:
      Class of the run -> folder or NONE, in the order of `class_names`.

    Raises:
      UserError: a class is unknown, missing or named twice, a folder is named twice, or fewer than
        two classes have one.
    """
    if not text:
        return {name: name for name in class_names}
    found: dict[str, str] = {}
    for item in names(text):
        name, folder = _pair(item, text, class_names)
        if name in found:
            raise UserError(f"{CLASSES}={text!r} names class {name!r} twice: leave one folder")
        if folder != NONE and folder in found.values():
            raise UserError(
                f"{CLASSES}={text!r} names folder {folder!r} for two classes: the images of a "
                "folder have one label"
            )
        found[name] = folder
    for name in class_names:
        if name not in found:
            raise UserError(
                f"{CLASSES}={text!r} does not name class {name!r}: add {name}=<folder of the tree>,"
                f" or {name}={NONE} where the tree has no such images"
            )
    if sum(folder != NONE for folder in found.values()) < 2:
        raise UserError(
            f"{CLASSES}={text!r} leaves fewer than two classes with a folder: networks are tested "
            "on telling classes apart"
        )
    return {name: found[name] for name in class_names}


def _pair(item: str, text: str, class_names: Sequence[str]) -> tuple[str, str]:
    """Splits "class=folder"; either name may hold an equals sign."""
    known = [name for name in class_names if item.startswith(f"{name}=")]
    name = max(known, key=len, default=item.partition("=")[0].strip())
    folder = item[len(name) :].strip().removeprefix("=").strip()
    checks.one_of(f"{CLASSES}={text!r}: the class of this run", name, class_names)
    if not folder:
        raise UserError(
            f"{CLASSES}={text!r} names no folder for class {name!r}: write {name}=<folder>"
        )
    return name, folder


def open_tree(
    directory: str, classes: str, how: DataSettings, own: held_out.DataSet
) -> ExternalTree:
    """Opens and decodes a tree of images, one folder per class.

    Args:
      directory: the folder that holds the class folders.
      classes: see `parse_classes`.
      how: the settings with which the run's own set is read.
      own: that set.

    Raises:
      UserError: the tree is the run's own data or can't be read, its folders are not those that
        `classes` names, or its grey scale can't be that of the run.
    """
    folder_of = parse_classes(classes, own.class_names)
    if how.dir and os.path.realpath(_expanded(how.dir)) == os.path.realpath(_expanded(directory)):
        raise UserError(
            f"{DIR}={directory!r} is data.dir, the run's own images: external images are others"
        )
    wanted = [folder for folder in folder_of.values() if folder != NONE]
    settings = dataclasses.replace(
        how,
        name="folder",
        dir=directory,
        variant="",
        table="",
        columns="",
        parts="",
        conflicts="drop",
        # Without names of its own, the tree is looked at for folders that are no classes.
        classes=",".join(map(_quoted, wanted)) if classes else "",
    )
    loaded = _load(directory, settings)
    if loaded.data_hash == own.data_hash:
        raise UserError(
            f"{DIR}={directory!r} holds the run's own images, file by file: external images are "
            "others"
        )
    if not classes:
        _check_names(directory, loaded.images.class_names, own.class_names)
    loaded = _on_one_scale(directory, loaded, settings, own.grey_scales)
    label_of = {folder: label for label, folder in enumerate(folder_of.values())}
    labels = np.asarray([label_of[folder] for folder in loaded.images.class_names], np.int32)
    return ExternalTree(
        images=dataclasses.replace(
            loaded.images, labels=labels[loaded.images.labels], class_names=own.class_names
        ),
        classes=folder_of,
        digest=sha256(json.dumps([loaded.data_hash, folder_of]).encode()),
        left_out=dict(collections.Counter(map(_reason, loaded.left_out))),
        note=_note(loaded.grey_scales, own.grey_scales),
        _loaded=loaded,
    )


def _load(directory: str, settings: DataSettings) -> loading.LoadedData:
    """Loads the tree; a refusal says which field is meant."""
    try:
        return loading.load_images(settings)
    except Damaged:
        raise
    except UserError as error:
        text = str(error).replace("config.data.classes", CLASSES).replace("data.dir=", f"{DIR}=")
        raise UserError(f"external images can't be read: {text}") from error


def _reason(left_out: LeftOut) -> str:
    """Says why with the field that the tree has for it."""
    return left_out.reason.replace("data.classes", "evaluate.external_classes")


def _check_names(directory: str, found: Sequence[str], expected: Sequence[str]) -> None:
    if tuple(found) == tuple(expected):
        return
    unknown = [name for name in found if name not in expected]
    missing = [name for name in expected if name not in found]
    said = [
        text
        for text, listed in (
            ("has folders that are no classes of this run: ", unknown),
            ("lacks the classes: ", missing),
        )
        if listed
        for text in [text + ", ".join(listed)]
    ]
    raise UserError(
        f"{DIR}={directory!r} {' and '.join(said)}. Name the folder of each class, or {NONE} for "
        f"none: --{CLASSES}='{','.join(f'{name}=<folder>' for name in expected)}'; folders that "
        "are not named there are left out"
    )


def _on_one_scale(
    directory: str,
    loaded: loading.LoadedData,
    settings: DataSettings,
    own: tuple[GreyScale, ...],
) -> loading.LoadedData:
    """Decodes files that are not 8-bit anew, so that black and white are the run's values."""
    if settings.window or not loaded.grey_scales:
        return loaded
    kinds = [each.kind for each in loaded.grey_scales]
    # Where files are turned over, no one window is that of all of them.
    if len(own) != 1 or kinds != [own[0].kind] or "turned over" in own[0].kind:
        raise UserError(
            f"{DIR}={directory!r} holds files of other kinds than the run's own images "
            f"({', '.join(kinds)}; the run's: {', '.join(each.kind for each in own) or '8-bit'}), "
            "so that the same grey would not mean the same: save them as 8-bit images whose "
            "black and white are those of the run's"
        )
    return _load(directory, dataclasses.replace(settings, window=f"{own[0].low!r},{own[0].high!r}"))


def _note(found: Sequence[GreyScale], own: Sequence[GreyScale]) -> str:
    if found or not own:
        return ""
    kinds = ", ".join(each.kind for each in own)
    return (
        f"The external files are 8-bit, those of the run's own set are not ({kinds}): whether "
        "black and white are the same values in both is not known."
    )


def _expanded(folder: str) -> str:
    return os.path.expanduser(folder)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"' if "," in name or name.startswith('"') else name
