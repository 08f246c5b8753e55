"""Identical files under two labels: one of the labels must be wrong for one of them."""

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthmed_jax.data.sets.flags import flag
from synthmed_jax.data.sets.listing import ImageFile, LeftOut
from synthmed_jax.errors import UserError

_SHOWN = 5
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
      digests: file -> sha256 of its content.
      how: "refuse", "drop" (all files of such a content are left out) or "keep".

    Returns:
      The files that stay, in their order, and those that do not.

    Raises:
      UserError: there are some and `how` is "refuse", or a class would lose all its files.
    """
    groups: dict[str, list[ImageFile]] = collections.defaultdict(list)
    for image in files:
        groups[digests[image.file]].append(image)
    torn = [group for group in groups.values() if len({image.label for image in group}) > 1]
    if not torn or how == "keep":
        return list(files), []
    if how == "refuse":
        raise UserError(_message(root, class_names, torn))
    dropped = {image for group in torn for image in group}
    kept = [image for image in files if image not in dropped]
    lost = {image.label for image in files} - {image.label for image in kept}
    if lost:
        raise UserError(
            f"{root}: every image of class {', '.join(class_names[k] for k in sorted(lost))} is "
            f"also under another label, so that {flag('data.conflicts', 'drop')} leaves none"
        )
    return kept, [
        LeftOut(file, class_names[label], REASON) for file, label in files if (file, label) in dropped
    ]


def _message(root: Path, class_names: Sequence[str], torn: list[list[ImageFile]]) -> str:
    pairs = []
    for group in torn[:_SHOWN]:
        first = group[0]
        other = next(image for image in group if image.label != first.label)
        pairs.append(
            f"  {first.file} ({class_names[first.label]}) = "
            f"{other.file} ({class_names[other.label]})"
        )
    more = f"\n  and {len(torn) - _SHOWN} more" if len(torn) > _SHOWN else ""
    return (
        f"{root}: {len(torn)} images lie under two labels, byte for byte the same:\n"
        + "\n".join(pairs)
        + more
        + f"\nRemove the wrong ones, or {flag('data.conflicts', 'drop')} leaves out all files of "
        f"such a content, or {flag('data.conflicts', 'keep')} keeps them all."
    )
