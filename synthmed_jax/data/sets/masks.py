"""Masks beside the images that they belong to: no images of a class, though they end like some."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthmed_jax.data import settings as data_settings
from synthmed_jax.data.image_names import stem_of
from synthmed_jax.data.sets import conflicts, exclude
from synthmed_jax.data.sets.flags import flag
from synthmed_jax.data.sets.folder_names import MASKS, kind_of
from synthmed_jax.data.sets.listing import ImageFile
from synthmed_jax.errors import UserError

_WORDS = r"masks?|seg|segmentations?|gt|ground_?truth|labels?|annotations?"
# "benign (1)_mask_1" is the mask of "benign (1)"; a bare number is one of several.
_ENDING = re.compile(
    rf"(?P<rest>.+?)(?P<ending>[_\-. ](?:{_WORDS}))(?P<number>[_\-. ]?\d+)?", re.IGNORECASE
)
# These words also name images (patient1_lesion.png beside patient1_normal.png): they say something
# only beside an image whose whole name is the rest.
_WEAK_ENDING = re.compile(
    r"(?P<rest>.+?)(?P<ending>[_\-. ](?:rois?|lesions?|contours?|outlines?))"
    r"(?P<number>[_\-. ]?\d+)?",
    re.IGNORECASE,
)
_BEGINNING = re.compile(rf"(?P<beginning>(?:{_WORDS})[_\-. ])(?P<rest>.+)", re.IGNORECASE)
_ALONE = re.compile(rf"(?P<word>{_WORDS})(?P<number>[_\-. ]?\d+)?", re.IGNORECASE)
# What the name of the image may begin with, where that of its mask begins with "mask_".
_IMAGE = re.compile(r"(?:images?|img|im|scan|slice|x)[_\-. ]?(?=.)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[_\-. ]")


@dataclasses.dataclass(frozen=True)
class Mask:
    """A mask, the image that it belongs to, and the glob that matches masks like it."""

    file: str
    image: str
    glob: str


def check(
    root: Path, images: Mapping[str, Sequence[str]], settings: data_settings.DataSettings
) -> None:
    """Refuses masks that lie beside their images, unless `settings.keep_masks`.

    Args:
      images: class name -> its images, POSIX paths below `root`.

    Raises:
      UserError: with the masks per class, and both ways on; it also names identical files under
        two labels, which would be refused next.
    """
    if settings.keep_masks:
        return
    found = {name: find(files) for name, files in images.items()}
    masks = [mask for several in found.values() for mask in several]
    if not masks:
        return
    counts = ", ".join(
        f"{name} {len(found[name])} of {len(images[name])}" for name in images if found[name]
    )
    shown = "; ".join(f"{mask.file} beside {mask.image}" for mask in masks[:2])
    globs = _globs(masks, [file for files in images.values() for file in files])
    excluded = data_settings.names(settings.exclude)
    taken = {mask.file for mask in masks}
    rest = [
        ImageFile(file, label)
        for label, files in enumerate(images.values())
        for file in files
        if file not in taken
    ]
    raise UserError(
        f"{str(root)!r} holds masks beside the images: {counts} (such as {shown}). They would be "
        f"trained on as images. {flag('data.exclude', *excluded, *globs)} leaves them out; "
        f"{flag('data.keep_masks', 'True')} takes them as images."
        + conflicts.also(root, list(images), rest, settings.conflicts)
    )


def find(files: Sequence[str]) -> list[Mask]:
    """Finds the masks among the images of one class, by name: POSIX paths, in their order.

    A file is a mask if, in its folder,
    * its stem ends as one's and the rest is the stem of an image or its beginning (BraTS_001_seg
      beside BraTS_001_flair),
    * its stem begins as one's and the rest names an image (mask_7 beside 7 or image_7),
    * it is called just "mask", "seg_2" or the like, and there is another image,
    or if it lies in a folder of masks and an image elsewhere in the class has its stem, with or
    without such an ending.
    """
    in_folders, candidates, alone, images = [], [], [], []
    for file in files:
        folder, _, name = file.rpartition("/")
        named = next((part for part in folder.split("/") if kind_of(part) == MASKS), None)
        match = _ENDING.fullmatch(stem_of(name))
        if named:
            in_folders.append((file, named, match))
        elif match:
            candidates.append((file, folder, match))
        elif (whole := _ALONE.fullmatch(stem_of(name))) is not None:
            alone.append((file, folder, whole))
        else:
            images.append(file)
    masks = [*_by_exact_names(images), *_by_word_alone(alone, images)]
    if candidates:
        beside = _beginnings(images)
        for file, folder, match in candidates:
            image = beside.get((folder, match["rest"]))
            if image:
                masks.append(Mask(file, image, f"*{match['ending']}*"))
    if in_folders:
        # An image that ends as a mask and belongs to no other is one.
        taken = {mask.file for mask in masks}
        rest = [*images, *(file for file, _, _ in candidates if file not in taken)]
        anywhere = {stem_of(file.rpartition("/")[2]): file for file in reversed(rest)}
        for file, named, match in in_folders:
            stem = stem_of(file.rpartition("/")[2])
            image = anywhere.get(stem) or (anywhere.get(match["rest"]) if match else None)
            if image:
                masks.append(Mask(file, image, f"*/{named}/*"))
    place = {file: number for number, file in enumerate(files)}
    return sorted(masks, key=lambda mask: place[mask.file])


def _by_exact_names(images: Sequence[str]) -> list[Mask]:
    """Finds masks whose names are, but for a word of masks, whole names of images beside them."""
    if not any(_WEAK_ENDING.search(file) or _BEGINNING.search(file) for file in images):
        return []
    stems: dict[tuple[str, str], str] = {}
    for file in images:
        folder, _, name = file.rpartition("/")
        stem = stem_of(name)
        stems.setdefault((folder, stem), file)
        stems.setdefault((folder, _IMAGE.sub("", stem, count=1)), file)
    masks = []
    for file in images:
        folder, _, name = file.rpartition("/")
        stem = stem_of(name)
        for pattern in (_WEAK_ENDING, _BEGINNING):
            match = pattern.fullmatch(stem)
            image = stems.get((folder, match["rest"])) if match else None
            if match and image and image != file:
                weak = pattern is _WEAK_ENDING
                glob = f"*{match['ending']}*" if weak else f"{match['beginning']}*"
                masks.append(Mask(file, image, glob))
                break
    return masks


def _by_word_alone(
    alone: Sequence[tuple[str, str, re.Match[str]]], images: Sequence[str]
) -> list[Mask]:
    """Finds masks that are called so and no more, in folders that also hold an image."""
    beside: dict[str, str] = {}
    for file in images:
        beside.setdefault(file.rpartition("/")[0], file)
    return [
        Mask(file, beside[folder], f"{match['word']}*")
        for file, folder, match in alone
        if folder in beside
    ]


def _beginnings(images: Sequence[str]) -> dict[tuple[str, str], str]:
    """Returns (folder, stem or its beginning before a separator) -> the first such image."""
    beside: dict[tuple[str, str], str] = {}
    for file in images:
        folder, _, name = file.rpartition("/")
        stem = stem_of(name)
        beside.setdefault((folder, stem), file)
        for separator in _SEPARATOR.finditer(stem):
            beside.setdefault((folder, stem[: separator.start()]), file)
    return beside


def _globs(masks: Sequence[Mask], files: Sequence[str]) -> list[str]:
    """Returns globs that match all masks and no other file, or else one glob per mask's ending."""
    short = list(dict.fromkeys(mask.glob for mask in masks))
    wanted = [mask.file for mask in masks]
    others = sorted(set(files) - set(wanted))
    if exclude.fits(short, wanted, others):
        return short
    narrow = []
    for glob in short:
        # Of a folder, or of a beginning such as "mask_*".
        whole = glob.startswith("*/") or bool(_BEGINNING.match(glob))
        narrow += [glob] if whole else [f"{glob[:-1]}.*", f"{glob[:-1]}_[0-9]*.*"]
    narrow = [glob for glob in narrow if exclude.hits(wanted, glob)]
    return narrow if exclude.fits(narrow, wanted, others) else short
