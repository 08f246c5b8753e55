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

# "benign (1)_mask_1" is the mask of "benign (1)"; a bare number is one of several.
_ENDING = re.compile(
    r"(?P<rest>.+?)(?P<ending>[_\-. ](?:masks?|seg|segmentations?|gt|ground_?truth|labels?|"
    r"annotations?))(?P<number>[_\-. ]?\d+)?",
    re.IGNORECASE,
)
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

    A file is a mask if its stem ends as one's and the rest is, in the same folder, the stem of an
    image or its beginning (BraTS_001_seg beside BraTS_001_flair), or if it lies in a folder of
    masks and an image elsewhere in the class has its stem, with or without such an ending.
    """
    in_folders, candidates, images = [], [], []
    for file in files:
        folder, _, name = file.rpartition("/")
        named = next((part for part in folder.split("/") if kind_of(part) == MASKS), None)
        match = _ENDING.fullmatch(stem_of(name))
        if named:
            in_folders.append((file, named, match))
        elif match:
            candidates.append((file, folder, match))
        else:
            images.append(file)
    masks = []
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
        narrow += [glob] if glob.startswith("*/") else [f"{glob[:-1]}.*", f"{glob[:-1]}_[0-9]*.*"]
    narrow = [glob for glob in narrow if exclude.hits(wanted, glob)]
    return narrow if exclude.fits(narrow, wanted, others) else short
