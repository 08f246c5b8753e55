"""Checkpoints: the only file with orbax.

Every checkpoint holds the sha256 of its arrays: orbax alone loads flipped bits without an error.
"""

from __future__ import annotations

import hashlib
import pathlib

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from synthmed_jax import parallel
from synthmed_jax.errors import UserError
from synthmed_jax.files import check_room
from synthmed_jax.parallel import Tree


def digest(tree: Tree) -> str:
    """sha256 (hexadecimal) of all arrays of a tree, with their paths, dtypes and shapes."""
    sha = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path(tree):
        array = np.asarray(leaf)
        sha.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def save(directory: pathlib.Path, step: int, state: Tree, *, keep: int = 2) -> str:
    """Writes a checkpoint atomically, and returns the state's digest.

    Args:
      directory: of all checkpoints of one training.
      step: of this one, at least 0.
      state: tree of arrays.
      keep: how many of the latest checkpoints stay.

    Raises:
      UserError: the directory has a checkpoint of a later step.
      OSError: the disk has no room for it.
    """
    state = jax.tree.map(np.asarray, state)
    check_room(directory, sum(leaf.nbytes for leaf in jax.tree.leaves(state)))
    policy = ocp.training.preservation_policies.LatestN(keep)
    sha256 = digest(state)
    with ocp.training.Checkpointer(directory.absolute(), preservation_policy=policy) as writer:
        written = writer.save(step, state, custom_metadata={"sha256": sha256}, overwrite=True)
    if not written:
        raise UserError(f"{directory} holds a later checkpoint than {step}: delete that folder")
    return sha256


def latest_step(directory: pathlib.Path) -> int | None:
    """Step of the newest complete checkpoint, or None."""
    if not directory.exists():
        return None
    with ocp.training.Checkpointer(directory.absolute()) as reader:
        return None if reader.latest is None else reader.latest.step


def restore(directory: pathlib.Path, like: Tree, step: int | None = None) -> Tree:
    """Reads a checkpoint (the latest by default) as numpy arrays of the structure of `like`.

    Args:
      directory: where `save` wrote.
      like: tree of arrays or ShapeDtypeStructs with the saved structure.
      step: of the checkpoint; None: the latest.

    Raises:
      UserError: none there, or its bytes are not those that were written.
    """
    step = latest_step(directory) if step is None else step
    if step is None:
        raise UserError(f"{directory} holds no complete checkpoint: run the stage that writes it")
    device = jax.sharding.SingleDeviceSharding(parallel.devices()[0])
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(np.shape(x), x.dtype, sharding=device), like
    )
    with ocp.training.Checkpointer(directory.absolute()) as reader:
        written = reader.metadata(step).custom_metadata["sha256"]
        state = jax.tree.map(np.asarray, reader.load(step, abstract))
    if digest(state) != written:
        raise UserError(
            f"checkpoint {directory}/{step} is damaged (its sha256 is not the one written with it"
            "): delete that folder, and the run goes on from what was saved before; where there is "
            f"nothing, delete {directory.parent} and the stage's file in stages/ to make it again"
        )
    return state
