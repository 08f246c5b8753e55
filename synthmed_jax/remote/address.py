"""Addresses on remote storage, `<protocol>://<bucket>/<folder>`: which are taken, and their names.

The command line goes into run.json, the config into config.json, and both into reports: an address
that holds a secret is refused before anything is written, and the refusal does not repeat it.
"""

from __future__ import annotations

import os
import pathlib
import re

from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256

_ADDRESS = re.compile(
    r"(?P<protocol>(?P<joined>[\w+.-]+::)*[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL
)
# A password, as in user:password@host; a query, a fragment.
_SECRET = re.compile(r":.*@|[?#]", re.DOTALL)


def is_address(given: str | os.PathLike[str]) -> bool:
    """Whether something that names a folder is an address on remote storage."""
    return _ADDRESS.match(os.fspath(given)) is not None


def check(given: str, flag: str) -> str:
    """Returns an address without what says nothing: slashes at its end.

    Args:
      given: of which `is_address` holds.
      flag: that it was given by, for the message.

    Raises:
      UserError: it has a password or a query, joins several protocols, or names no folder.
    """
    found = _ADDRESS.match(given)
    if found is None or found["joined"]:
        raise UserError(
            f"{flag} joins several protocols by '::', which is not understood: give one address, "
            "<protocol>://<bucket>/<folder>"
        )
    if _SECRET.search(found["rest"]):
        shown = re.split("[?#]", found["rest"].rpartition("@")[2])[0]
        raise UserError(
            f"{flag}={found['protocol']}://{shown} was given with a password, a "
            "query or a fragment, and addresses are written into run.json and reports: give it "
            "without, and credentials as the storage's own tools take them (BUILD.md, Remote "
            "storage)"
        )
    if not found["rest"].strip("/"):
        raise UserError(f"{flag}={given} names no folder: <protocol>://<bucket>/<folder>")
    return given.rstrip("/")


def name_of(address: str) -> str:
    """The last part of an address, as a folder may be called."""
    return re.sub(r"[^\w.-]", "_", address.rpartition("/")[2]).lstrip(".") or "folder"


def place_of(cache: pathlib.Path, kind: str, address: str) -> pathlib.Path:
    """The folder of the cache for all that belongs to one address.

    Args:
      kind: what the address is of: "workdirs" or "data".
    """
    return cache / "remote" / kind / sha256(address.encode())[:16]
