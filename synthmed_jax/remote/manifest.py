"""What a remote workdir holds: one object that names all files, written last.

Contents lie in `objects/<sha256>`, are never written over, and are removed only when no manifest
names them any more. So the manifest alone says what the workdir is, and a push that is broken off
anywhere leaves the workdir of the push before it.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from synthmed_jax.errors import UserError
from synthmed_jax.remote.store import Store

NAME = "manifest.json"
OBJECTS = "objects"
_VERSION = 1
_SHA256 = re.compile("[0-9a-f]{64}")


class Content(NamedTuple):
    """A file's bytes: how many, and their sha256 (hexadecimal)."""

    size: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """One state of a workdir.

    Attributes:
      commit: names this state, as no other one.
      files: path below the workdir, with slashes -> content.
    """

    commit: str
    files: Mapping[str, Content]


def object_of(sha256: str) -> str:
    """Returns the name of the object that holds a content."""
    return f"{OBJECTS}/{sha256}"


def make(files: Mapping[str, Content]) -> Manifest:
    """Returns the manifest of a new state."""
    return Manifest(uuid.uuid4().hex, dict(files))


def read(store: Store) -> Manifest | None:
    """Reads the manifest; None: nothing was ever pushed there.

    Raises:
      UserError: it is none of this program's, or names files outside of a workdir.
    """
    content = store.read(NAME)
    if content is None:
        return None
    try:
        document = json.loads(content)
        if document["version"] != _VERSION:
            raise ValueError(f"its version is {document['version']!r}")
        files = {_checked(path): Content(*entry) for path, entry in document["files"].items()}
        if not all(
            isinstance(size, int) and _SHA256.fullmatch(digest) for size, digest in files.values()
        ):
            raise ValueError("a size or a sha256 is none")
        return Manifest(str(document["commit"]), files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{store.address}/{NAME} is not what this version writes for a workdir ({error}): take "
            "another --workdir"
        ) from error


def write(store: Store, manifest: Manifest) -> None:
    """Writes the manifest, in the place of the former one: from then on it is the workdir."""
    document = {"version": _VERSION, "commit": manifest.commit, "files": manifest.files}
    store.write(NAME, json.dumps(document).encode())


def _checked(path: str) -> str:
    pure = pathlib.PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or str(pure) != path or "\0" in path:
        raise ValueError(f"{path!r} is no path below a workdir")
    return path
