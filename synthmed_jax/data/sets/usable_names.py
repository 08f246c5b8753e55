"""What a class can't be called: folders, tables and the report have the name in them."""

import unicodedata
from collections.abc import Iterable

from synthmed_jax.data import image_names
from synthmed_jax.errors import UserError

_LONGEST = 255  # of a file or a folder, bytes, in all usual file systems
_BREAKS = ("Cc", "Zl", "Zp")  # what Unicode calls control characters and ends of lines
_TAKEN = {
    "manifest.csv": "the list of synthetic images lies among their folders under this name",
    "metadata.csv": "a table of the synthetic images lies among their folders under this name",
    "readme.md": "the card of the synthetic images lies among their folders under this name",
    "readme.new.md": "a newer card of the synthetic images may lie among their folders",
    "all classes": "the report has a row of this name",
}


def check(names: Iterable[str], where: str, separators: str = "/") -> None:
    """Raises UserError for the first name that is no use.

    Args:
      where: what the names are from, with what to change: "data.dir='x': the folder".
      separators: characters that end the name of a folder.
    """
    for name in sorted(names):
        why = fault(name, separators)
        if why:
            raise UserError(f"{where} {name!r} can't be the name of a class ({why}): rename it")


def fault(name: str, separators: str = "/") -> str:
    """Says why a name is no use, for a message; "" where it is."""
    if set(separators) & set(name) or name in (".", ".."):
        return "no folder can be called so, and synthetic images get one"
    if len(name.encode(errors="surrogateescape")) > _LONGEST:
        return f"a folder's name has at most {_LONGEST} bytes"
    if any(unicodedata.category(letter) in _BREAKS for letter in name):
        return "line breaks and other control characters"
    return _TAKEN.get(image_names.fold(name), "")
