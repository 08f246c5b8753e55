"""Checkpoints: the only file with orbax.

Every checkpoint holds the sha256 of its arrays: orbax alone loads flipped bits without an error. It
may hold notes as well: what else a training needs to go on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import pathlib
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from synthmed_jax import hosts, parallel
from synthmed_jax.errors import Damaged
from synthmed_jax.files import check_room, check_writer, sha256
from synthmed_jax.parallel import Tree

# Whatever JSON holds, by name.
Notes = dict[str, Any]


class Saved(NamedTuple):
    """A checkpoint that was read: its step, its arrays (numpy) and its notes."""

    step: int
    state: Tree
    notes: Notes


def digest(tree: Tree) -> str:
    """sha256 (hexadecimal) of all arrays of a tree, with their paths, dtypes and shapes."""
    sha = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path(tree):
        array = np.asarray(leaf)
        sha.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def save(
    directory: pathlib.Path,
    step: int,
    state: Tree,
    *,
    keep: int = 2,
    notes: Mapping[str, Any] | None = None,
) -> str:
    """Writes a checkpoint atomically, and returns the state's digest.

    Args:
      directory: of all checkpoints of one training.
      step: of this one, at least 0.
      state: tree of arrays.
      keep: how many of the latest checkpoints stay.
      notes: what JSON holds.

    Raises:
      Damaged: the directory has a checkpoint of a later step.
      OSError: the disk has no room for it.
    """
    check_writer(directory)
    state = jax.tree.map(np.asarray, state)
    check_room(directory, sum(leaf.nbytes for leaf in jax.tree.leaves(state)))
    of_state = digest(state)
    metadata = {"sha256": of_state, "notes": dict(notes or {})}
    metadata["seal"] = _seal_of(metadata)
    try:
        _write(directory, step, state, keep, metadata)
    except ValueError:  # orbax looks at what other checkpoints say of themselves
        if not _remove_unreadable(directory):
            raise
        _write(directory, step, state, keep, metadata)
    return of_state


def _write(
    directory: pathlib.Path, step: int, state: Tree, keep: int, metadata: dict[str, Any]
) -> None:
    policy = ocp.training.preservation_policies.LatestN(keep)
    with (
        _as_only_host(),
        ocp.training.Checkpointer(directory.absolute(), preservation_policy=policy) as writer,
    ):
        written = writer.save(step, state, custom_metadata=metadata, overwrite=True)
    if not written:
        raise Damaged(directory, f"holds a later checkpoint than {step}")


def _remove_unreadable(directory: pathlib.Path) -> bool:
    """Removes checkpoints that orbax can't read anything of; returns whether there were any."""
    found = False
    for step in steps(directory):
        path = directory / str(step)
        try:
            with _as_only_host():
                ocp.metadata(path.absolute())
        except ValueError as error:
            print(f"{path} is damaged ({type(error).__name__}): it is removed", flush=True)
            shutil.rmtree(path)
            found = True
    return found


def _seal_of(metadata: Mapping[str, Any]) -> str:
    return sha256(json.dumps(metadata, sort_keys=True).encode())


def latest_step(directory: pathlib.Path) -> int | None:
    """Step of the newest complete checkpoint, or None."""
    return max(steps(directory), default=None)


def steps(directory: pathlib.Path) -> list[int]:
    """Steps of all complete checkpoints, ascending.

    Orbax renames a folder to its step when all is in it. It is not asked: it refuses to list any
    where one says something unknown of itself.
    """
    if not directory.is_dir():
        return []
    return sorted(int(p.name) for p in directory.iterdir() if p.name.isdecimal() and p.is_dir())


def restore(directory: pathlib.Path, like: Tree, step: int | None = None) -> Saved:
    """Reads a checkpoint, the latest by default.

    Args:
      directory: where `save` wrote.
      like: tree of arrays or ShapeDtypeStructs with the saved structure.
      step: of the checkpoint; None: the latest.

    Raises:
      Damaged: there is none, or its content is not what was written.
    """
    wanted = latest_step(directory) if step is None else step
    if wanted is None:
        raise Damaged(directory, "holds no complete checkpoint")
    path = directory / str(wanted)
    if wanted not in steps(directory):
        raise Damaged(path, "is gone, or not complete")
    device = jax.sharding.SingleDeviceSharding(parallel.devices()[0])
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(np.shape(x), x.dtype, sharding=device), like
    )
    _hush_readers()
    try:
        with _as_only_host():
            metadata = ocp.metadata(path.absolute()).custom_metadata
            state = jax.tree.map(np.asarray, ocp.load(path.absolute(), abstract))
    except (MemoryError, PermissionError):
        raise
    except Exception as error:  # orbax raises whatever a broken file hits
        if "RESOURCE_EXHAUSTED" in str(error):
            raise
        raise Damaged(path, f"is damaged: it can't be read ({type(error).__name__})") from error
    if not isinstance(metadata, dict) or digest(state) != metadata.get("sha256"):
        raise Damaged(
            path, "is damaged: the sha256 of its arrays is not the one that was written with them"
        )
    seal = metadata.pop("seal", None)  # earlier versions wrote none
    if seal is not None and seal != _seal_of(metadata):
        raise Damaged(path, "is damaged: its notes are not those that were written")
    return Saved(wanted, state, metadata.get("notes", {}))


_only_host = threading.Lock()


@contextlib.contextmanager
def _as_only_host() -> Iterator[None]:
    """Within it, orbax takes this host for the only one of the run.

    A checkpoint here is of one host, which has all of its arrays. Orbax would wait until every host
    writes or reads with it: of its options for some hosts alone, its `Checkpointer` refuses one
    (active_processes), and its other functions wait all the same. It asks for the number of hosts
    by these two names of JAX.
    """
    if hosts.count() == 1:
        yield
        return
    with _only_host:  # trainings on several devices save in threads of their own
        before = jax.process_count, jax.process_index
        jax.process_count, jax.process_index = _one, _first
        try:
            yield
        finally:
            jax.process_count, jax.process_index = before


def _one(backend: Any = None) -> int:
    return 1


def _first(backend: Any = None) -> int:
    return 0


def _hush_readers() -> None:
    """Silences orbax's tasks that fail beside the one whose error is raised, now or later.

    Of a damaged checkpoint each tells on the console by a traceback of its own, hundreds of lines.
    Nothing else here works by asyncio.
    """
    log = logging.getLogger("asyncio")
    if _is_news in log.filters:
        return
    log.addFilter(_is_news)
    show = sys.unraisablehook

    def show_news(unraisable: sys.UnraisableHookArgs) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            show(unraisable)

    sys.unraisablehook = show_news


def _is_news(record: logging.LogRecord) -> bool:
    return "exception was never retrieved" not in record.getMessage()


def resume(directory: pathlib.Path, like: Tree) -> Saved | None:
    """Reads the newest checkpoint that is not damaged; None: there is none.

    Damaged ones are removed, and it is said: what was computed since the one before is computed
    again.
    """
    for step in reversed(steps(directory)):
        try:
            return restore(directory, like, step)
        except Damaged as error:
            print(f"{error}: the one before it is taken", flush=True)
            shutil.rmtree(error.path)
    return None
