"""What is different between two states of a data set, in words."""

from __future__ import annotations

from collections.abc import Mapping

from synthmed_jax.data.counted import counted
from synthmed_jax.data.sets.flags import some
from synthmed_jax.printable import printable
from synthmed_jax.results.data_files import DataFiles


def describe(before: DataFiles, now: DataFiles) -> str:
    """Says how many files were added, removed, renamed, changed and relabelled, and names a few.

    Returns:
      "1 file added (a/7.png); 2 files changed (b/1.png, b/2.png)"; "" where nothing is different.
    """
    old, new = _by_file(before), _by_file(now)
    removed, added = old.keys() - new.keys(), new.keys() - old.keys()
    both = old.keys() & new.keys()
    renamed = _renamed({f: old[f] for f in removed}, {f: new[f] for f in added})
    found = {
        "added": sorted(added - set(renamed.values())),
        "removed": sorted(removed - set(renamed)),
        "renamed": [f"{file} to {name}" for file, name in renamed.items()],
        "changed": sorted(file for file in both if old[file][1] != new[file][1]),
        "of another class now": sorted(file for file in both if old[file][0] != new[file][0]),
    }
    return "; ".join(
        f"{counted(len(files), 'file')} {what} ({printable(some(files))})"
        for what, files in found.items()
        if files
    )


def _by_file(files: DataFiles) -> dict[str, tuple[str, str]]:
    """Returns file -> (class, sha256)."""
    return {
        file: (name, digest)
        for name, of_class in files.classes.items()
        for file, digest in of_class.items()
    }


def _renamed(
    removed: Mapping[str, tuple[str, str]], added: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """Returns former name -> name, of files whose content is under another name; sorted."""
    names: dict[str, list[str]] = {}
    for file in sorted(added, reverse=True):
        names.setdefault(added[file][1], []).append(file)
    return {
        file: names[digest].pop()
        for file, (_, digest) in sorted(removed.items())
        if names.get(digest)
    }
