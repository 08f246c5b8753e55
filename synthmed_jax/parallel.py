"""Data parallelism over local devices: the only file that names them, and the only `jax.pmap`.

State stays unmapped (one logical copy, replicated by the runtime); batches are split on their first
axis.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from synthmed_jax import allocator
from synthmed_jax.errors import UserError

AXIS = "devices"
# XLA kills the process when a virtual device waits 40 seconds for another, which a machine that
# sleeps, or has too much else to do, makes happen: no wait under ten hours shall kill a run.
CPU_COLLECTIVE_TIMEOUTS = (
    "--xla_cpu_collective_call_warn_stuck_timeout_seconds=120"
    " --xla_cpu_collective_call_terminate_timeout_seconds=36000"
    " --xla_cpu_collective_timeout_seconds=36000"
)

Tree = Any


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_up_devices(cpu_devices: int) -> None:
    """Makes `cpu_devices` virtual CPU devices (0: one a core); call before any JAX operation.

    Memory that is freed stays in the process (see allocator.py).

    Without effect on machines where JAX runs on a GPU or TPU.
    """
    allocator.keep_freed_memory()
    jax.config.update("jax_num_cpu_devices", cpu_devices or available_cores())
    flags = os.environ.get("XLA_FLAGS", "")
    if CPU_COLLECTIVE_TIMEOUTS not in flags:
        # The user's own flags come last, and win.
        os.environ["XLA_FLAGS"] = f"{CPU_COLLECTIVE_TIMEOUTS} {flags}".strip()


def devices() -> list[jax.Device]:
    """The devices of this process, over which batches are split."""
    return jax.local_devices()


def device_count() -> int:
    """How many devices this process has."""
    return jax.local_device_count()


def check_batch_size(name: str, batch_size: int) -> None:
    """Raises UserError if a batch can't be split evenly over the local devices."""
    count = device_count()
    if batch_size % count:
        raise UserError(
            f"{name}={batch_size} can't be split over {count} devices: use a multiple of {count}"
        )


def split(batch: Tree) -> Tree:
    """Splits every array [B, ...] into [devices, B / devices, ...]."""
    count = device_count()
    return jax.tree.map(lambda x: x.reshape(count, x.shape[0] // count, *x.shape[1:]), batch)


def mean(tree: Tree) -> Tree:
    """Mean over devices, inside a mapped function."""
    return jax.lax.pmean(tree, AXIS)


def example_indices(local_batch: int) -> jax.Array:
    """i32[local_batch], each example's index in the global batch, inside a mapped function."""
    return jax.lax.axis_index(AXIS) * local_batch + jnp.arange(local_batch)


def _as_it_is(kept: Tree, batch: Tree) -> Tree:
    return batch


def train_step(
    step: Callable[[Tree, Tree], tuple[Tree, Tree]], load: Callable[[Tree, Tree], Tree] = _as_it_is
) -> Callable[..., tuple[Tree, Tree]]:
    """Maps step(state, local batch) -> (state, metrics) over the devices.

    `step` must reduce what it returns with `mean`: outputs are taken as equal on every device.
    The state's buffers are donated.

    Args:
      load: (kept, local batch) -> the local batch that `step` takes, for data that stay on the
        devices; a program of its own, so that `step` is compiled once for any amount of them.

    Returns:
      A function (state, batch, kept=None) -> (state, metrics), batch with global leading axis B,
      and what `everywhere` has kept.
    """
    mapped = jax.pmap(step, axis_name=AXIS, in_axes=(None, 0), out_axes=None, donate_argnums=0)
    loaded = jax.pmap(load, axis_name=AXIS, in_axes=(None, 0))

    def apply(state: Tree, batch: Tree, kept: Tree = None) -> tuple[Tree, Tree]:
        state, batch = _on_all_devices(state), split(batch)
        if kept is not None:
            batch = loaded(kept, batch)
        if jax.default_backend() == "cpu":
            # At most 32 steps are under way, and the start of the next one waits for its place in
            # a thread, of which there is one a device: short steps can need that one to end.
            jax.block_until_ready((state, batch))
        return mapped(state, batch)

    return apply


def _on_all_devices(state: Tree) -> Tree:
    """Copies a state that is new to the devices, and waits until it is there.

    A CPU has as many threads as cores. Were a step begun while the second device still waits for
    its copy, the first could block all of them in its reductions: neither would ever go on.
    """
    if _is_everywhere(jax.tree.leaves(state)[0]):
        return state
    return jax.block_until_ready(everywhere(state))


def everywhere(tree: Tree) -> Tree:
    """Puts a copy of every array that is not yet there on every device, so that no call does."""
    sharding = NamedSharding(Mesh(np.array(devices()), (AXIS,)), PartitionSpec())
    return jax.tree.map(lambda x: x if _is_everywhere(x) else jax.device_put(x, sharding), tree)


def _is_everywhere(x: Any) -> bool:
    # A step's results are named so. On a single device another name for the same place would have
    # the step compiled again at its second call.
    return (
        isinstance(x, jax.Array)
        and isinstance(x.sharding, NamedSharding)
        and x.sharding.device_set == set(devices())
    )


def map_examples(
    function: Callable[..., Tree], batch_size: int, load: Callable[[Tree, Tree], Tree] = _as_it_is
) -> Callable[..., Tree]:
    """Maps function(state, *arrays) over examples, in padded batches of one compiled shape.

    Args:
      function: (state, *[b, ...] arrays) -> tree of [b, ...] arrays; must treat examples alone.
      batch_size: examples a call; rounded up to a multiple of the device count.
      load: (kept, array [b, ...]) -> the array that `function` takes, as in `train_step`.

    Returns:
      A function (state, *arrays [N, ...], kept=None) -> tree of numpy arrays [N, ...], any N >= 1.
    """
    batch_size = -(-batch_size // device_count()) * device_count()
    mapped: dict[int, Callable[..., Tree]] = {}
    loaded = jax.pmap(load, axis_name=AXIS, in_axes=(None, 0))

    def apply(state: Tree, *arrays: np.ndarray, kept: Tree = None) -> Tree:
        if len(arrays) not in mapped:
            mapped[len(arrays)] = jax.pmap(
                function, axis_name=AXIS, in_axes=(None, *(0 for _ in arrays))
            )
        n = len(arrays[0])
        state = everywhere(state)
        pieces = []
        for start in range(0, n, batch_size):
            batch = [_pad(np.asarray(a[start : start + batch_size]), batch_size) for a in arrays]
            batch = split(batch)
            if kept is not None:
                batch = [loaded(kept, array) for array in batch]
            out = mapped[len(arrays)](state, *batch)
            pieces.append(jax.tree.map(_join, out))
        return jax.tree.map(lambda *p: np.concatenate(p)[:n], *pieces)

    return apply


def _pad(x: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last row until x has `size` rows."""
    return np.concatenate([x, np.repeat(x[-1:], size - len(x), axis=0)]) if len(x) < size else x


def _join(x: jax.Array) -> np.ndarray:
    return np.asarray(x).reshape(-1, *x.shape[2:])
