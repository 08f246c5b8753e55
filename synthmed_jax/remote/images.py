"""Images on remote storage: a copy on this machine, of which only what is new is fetched."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
from collections.abc import Mapping

from synthmed_jax import litter
from synthmed_jax.errors import UserError
from synthmed_jax.files import read_json, write_json
from synthmed_jax.remote import address
from synthmed_jax.remote.store import Found, Store

_BATCH = 200  # files at once


def fetch(given: str, cache: pathlib.Path, flag: str) -> pathlib.Path:
    """Brings a remote folder, or a single file, here; nothing is written there.

    A file whose size and version (Store.find) are those of the last time is not fetched again. What
    is gone there is removed here.

    Args:
      given: its address.
      cache: the folder that the copy is kept in.
      flag: that names it, for messages.

    Returns:
      The copy.

    Raises:
      UserError: the address is not taken, nothing is there, or the storage does not answer.
    """
    url = address.check(given, flag)
    store = Store(url)
    place = address.place_of(cache, "data", url)
    with litter.alone(place / ".lock") as is_alone:
        found = store.find()
        if not found:
            raise UserError(f"{flag}={url} holds no file: name the folder that holds the images")
        if set(found) == {""}:
            here = place / "file" / address.name_of(url)
            fetched = _bring_up_to_date(store, place, {here: ""}, found, is_alone=is_alone)
        else:
            _check_names(url, flag, found)
            here = place / address.name_of(url)
            names = {here / name: name for name in found}
            fetched = _bring_up_to_date(store, place, names, found, is_alone=is_alone)
    if fetched:
        print(f"{fetched} of {len(found)} files fetched from {url} into {here}", flush=True)
    return here


def _bring_up_to_date(
    store: Store,
    place: pathlib.Path,
    names: Mapping[pathlib.Path, str],
    found: Mapping[str, Found],
    *,
    is_alone: bool,
) -> int:
    """Makes the copy what is there now; returns how many files were fetched.

    Args:
      names: file of the copy -> its name there.
      found: name -> what is there.
      is_alone: whether what killed runs left may be removed: no other one fetches into the copy.
    """
    record, parts = place / "fetched.json", place / "parts"
    own = parts / secrets.token_hex(8)  # another process may be at it, on a disk without locks
    before = _read_record(record)
    kept = {
        name: found[name]
        for path, name in names.items()
        if before.get(name) == found[name] and _is_whole(path, found[name])
    }
    for where, _, files in os.walk(place, topdown=False):
        for path in (pathlib.Path(where, each) for each in files):
            being_fetched = path.is_relative_to(parts) and not is_alone
            if path not in names and path.parent != place and not being_fetched:
                path.unlink()
        with contextlib.suppress(OSError):  # it is not empty
            os.rmdir(where)
    wanted = sorted((path, name) for path, name in names.items() if name not in kept)
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        _write_record(record, kept)
        fetched = [own / str(number) for number in range(len(batch))]
        store.download([(name, part) for part, (_, name) in zip(fetched, batch, strict=True)])
        for part, (path, name) in zip(fetched, batch, strict=True):
            if not part.is_file() or part.stat().st_size != found[name].size:
                raise UserError(
                    f"{store.address}: {name or path.name} has changed while it was fetched: give "
                    "the same command again"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
        kept |= {name: found[name] for _, name in batch}
    _write_record(record, kept)
    return len(wanted)


def _is_whole(path: pathlib.Path, file: Found) -> bool:
    """Whether the copy has the file as it was fetched; of one without a version nobody knows."""
    return file.version != "" and path.is_file() and path.stat().st_size == file.size


def _check_names(url: str, flag: str, found: Mapping[str, Found]) -> None:
    """Refuses names that would lie elsewhere here, or that no disk can have together."""
    for path in found:
        pure = pathlib.PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or str(pure) != path or "\0" in path:
            raise UserError(f"{flag}={url}: {path!r} can't be the name of a file here: rename it")
        for folder in pure.parents:
            if str(folder) in found:
                raise UserError(
                    f"{flag}={url}: {str(folder)!r} is a file and a folder, which no disk can "
                    "have: rename one of them"
                )


def _read_record(path: pathlib.Path) -> dict[str, Found]:
    """What was fetched; {} where that is not known: all is fetched anew then."""
    try:
        return {name: Found(int(size), str(ver)) for name, (size, ver) in read_json(path).items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _write_record(path: pathlib.Path, files: Mapping[str, Found]) -> None:
    write_json(path, {name: [file.size, file.version] for name, file in files.items()})
