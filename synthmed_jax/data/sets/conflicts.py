"""Identical files under two labels: one of the labels must be wrong for one of them."""

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthmed_jax.data.counted import counted
from synthmed_jax.data.sets.flags import flag
from synthmed_jax.data.sets.listing import ImageFile, LeftOut, hash_files
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256

_OF_NO_BYTES = sha256(b"")
REASON = "the same content under another label (data.conflicts=drop)"


def settle(
    root: Path,
    class_names: Sequence[str],
    files: Sequence[ImageFile],
    digests: Mapping[str, str],
    how: str,
) -> tuple[list[ImageFile], list[LeftOut]]:
    """Finds contents that lie under two labels or more, and deals with them.

    Args:
      root: the folder of the files, or the one file that holds them all.
      digests: file -> sha256 of its content.
      how: "refuse", "drop" (all files of such a content are left out) or "keep".

    Returns:
      The files that stay, in their order, and those that do not.

    Raises:
      UserError: there are some and `how` is "refuse", or a class would lose all its files.
    """
    torn = _torn(files, digests)
    if not torn or how == "keep":
        return list(files), []
    if how == "refuse":
        by_hand = "Remove the wrong ones, or " if root.is_dir() else ""
        raise UserError(
            f"{root}: {counted(len(torn), 'image')} under two labels, byte for byte the same:\n"
            f"{_shown(class_names, torn, most=5)}\n"
            f"{by_hand}{_ways(class_names, files, torn)}."
        )
    dropped = {image for group in torn for image in group}
    kept = [image for image in files if image not in dropped]
    lost = _lost(class_names, files, torn)
    if lost:
        raise UserError(
            f"{root}: {flag('data.conflicts', 'drop')} leaves no image of class {lost}, since all "
            "of them are also under another label"
        )
    return kept, [
        LeftOut(file, class_names[label], REASON)
        for file, label in files
        if (file, label) in dropped
    ]


def also(root: Path, class_names: Sequence[str], files: Sequence[ImageFile], how: str) -> str:
    """Returns a sentence on what `settle` would refuse next; "" if nothing.

    It belongs into another refusal, so that one message is enough to go on; it reads all files.
    """
    if how != "refuse":
        return ""
    torn = _torn(files, hash_files(root, files))
    if not torn:
        return ""
    return (
        f"\nBesides, {counted(len(torn), 'image')} under two labels, byte for byte the same:\n"
        f"{_shown(class_names, torn, most=2)}\nAdd what is right: "
        f"{_ways(class_names, files, torn)}."
    )


def _torn(files: Sequence[ImageFile], digests: Mapping[str, str]) -> list[list[ImageFile]]:
    """Returns the groups of files of one content that have two labels or more.

    Files without any bytes are no images, whatever their label: decoding names them.
    """
    groups: dict[str, list[ImageFile]] = collections.defaultdict(list)
    for image in files:
        groups[digests[image.file]].append(image)
    groups.pop(_OF_NO_BYTES, None)
    return [group for group in groups.values() if len({image.label for image in group}) > 1]


def _lost(
    class_names: Sequence[str], files: Sequence[ImageFile], torn: Sequence[Sequence[ImageFile]]
) -> str:
    """Names the classes that would have no image left without the torn groups."""
    dropped = {image for group in torn for image in group}
    left = {image.label for image in files if image not in dropped}
    return ", ".join(class_names[k] for k in sorted({image.label for image in files} - left))


def _ways(
    class_names: Sequence[str], files: Sequence[ImageFile], torn: Sequence[Sequence[ImageFile]]
) -> str:
    lost = _lost(class_names, files, torn)
    nothing_left = f" (but then class {lost} has none left)" if lost else ""
    return (
        f"{flag('data.conflicts', 'drop')} leaves out all files of such a content{nothing_left}, "
        f"{flag('data.conflicts', 'keep')} keeps them all under both labels"
    )


def _shown(class_names: Sequence[str], torn: Sequence[Sequence[ImageFile]], most: int) -> str:
    pairs = []
    for group in torn[:most]:
        first = group[0]
        other = next(image for image in group if image.label != first.label)
        pairs.append(
            f"  {first.file} ({class_names[first.label]}) = "
            f"{other.file} ({class_names[other.label]})"
        )
    more = [f"  and {len(torn) - most} more"] if len(torn) > most else []
    return "\n".join(pairs + more)
