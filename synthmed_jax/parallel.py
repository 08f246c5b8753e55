"""Data parallelism over devices: the only file that names them, and the only `jax.pmap`.

State stays unmapped (one logical copy, replicated by the runtime); batches are split on their first
axis. Work that needs no reductions between devices is better done on one of them each: see `on`.
All work is on this host's devices, but for steps that are made to be taken by all hosts together.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from synthmed_jax import allocator, hosts, rehearsal
from synthmed_jax.errors import UserError
from synthmed_jax.shares import Shares

AXIS = "devices"
# XLA aborts the process when a virtual CPU device has waited 40 seconds for another one, as happens
# on a machine that was asleep or is overloaded. Here a device may wait for ten hours.
CPU_COLLECTIVE_TIMEOUTS = (
    "--xla_cpu_collective_call_warn_stuck_timeout_seconds=120"
    " --xla_cpu_collective_call_terminate_timeout_seconds=36000"
    " --xla_cpu_collective_timeout_seconds=36000"
)

# A pytree: nested dicts, tuples and named tuples of arrays.
Tree = Any


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_up_devices(cpu_devices: int) -> None:
    """Sets how many virtual devices JAX makes of the CPU; call it before any JAX operation.

    Also keeps freed memory in the process (see allocator.py) and sets CPU_COLLECTIVE_TIMEOUTS.
    Where JAX runs on a GPU or TPU, its devices are what they are.

    Args:
      cpu_devices: how many; 0: one per core that this process may use.
    """
    allocator.keep_freed_memory()
    jax.config.update("jax_num_cpu_devices", cpu_devices or available_cores())
    flags = os.environ.get("XLA_FLAGS", "")
    if CPU_COLLECTIVE_TIMEOUTS not in flags:
        # Of a flag that is given twice, XLA takes the last: the user's.
        os.environ["XLA_FLAGS"] = f"{CPU_COLLECTIVE_TIMEOUTS} {flags}".strip()


# The one device that work is on; None: it is on all of this process.
_chosen: contextvars.ContextVar[jax.Device | None] = contextvars.ContextVar("device", default=None)


@contextlib.contextmanager
def on(device: jax.Device | None) -> Iterator[None]:
    """Within it, all functions of this module work on this device alone; None: on all of them."""
    token = _chosen.set(device)
    try:
        yield
    finally:
        _chosen.reset(token)


def devices() -> list[jax.Device]:
    """The devices over which batches are split: those of this process, or the one of `on`.

    In a rehearsal the first device of this process stands for each of the machine's.
    """
    chosen, rehearsed = _chosen.get(), rehearsal.machine()
    if chosen is not None:
        return [chosen]
    return jax.local_devices() if rehearsed is None else jax.local_devices()[:1] * rehearsed.devices


def devices_of_all_hosts() -> list[jax.Device]:
    """The devices of this run, each host's next to each other, in the hosts' order."""
    return sorted(jax.devices(), key=lambda device: (device.process_index, device.id))


def device_count() -> int:
    """How many devices this process has, within `on` too; in a rehearsal, the machine's."""
    rehearsed = rehearsal.machine()
    return jax.local_device_count() if rehearsed is None else rehearsed.devices


def is_cpu() -> bool:
    """Whether programs are compiled for a CPU: here, or on the machine that is rehearsed.

    The one place where what is compiled depends on the platform.
    """
    rehearsed = rehearsal.machine()
    return (jax.default_backend() if rehearsed is None else rehearsed.platform) == "cpu"


def device_count_of_all_hosts() -> int:
    """How many devices all hosts of this run have together."""
    return hosts.count() * device_count()


def connect_hosts() -> None:
    """Connects the devices of all hosts of this run, each of which calls it.

    Else they would connect at the first step. On a CPU no host may then be 30 seconds behind, and
    compiling the step may take one longer than another.

    Raises:
      UserError: the hosts have different numbers of devices.
    """
    if hosts.count() == 1:
        return
    if jax.device_count() != device_count_of_all_hosts():
        raise UserError(
            f"the {hosts.count()} hosts have {jax.device_count()} devices together, and this one "
            f"has {device_count()}: all hosts of a run must have the same number"
        )
    hosts.meet()
    ones = np.ones((device_count(), 1), np.float32)
    jax.block_until_ready(_mapped(mean, by_all_hosts=True, in_axes=0)(ones))
    from_leader(ones)


def rows_of_this_host(batch_size: int) -> slice:
    """Which rows of a batch of all hosts are this one's."""
    starts = Shares(batch_size, device_count_of_all_hosts()).starts
    first, end = (starts[host * device_count()] for host in (hosts.index(), hosts.index() + 1))
    return slice(int(first), int(end))


def from_leader(tree: Tree) -> Tree:
    """The leader's arrays, on every host; called by all of them, with arrays of the same shapes."""
    return multihost_utils.broadcast_one_to_all(tree) if hosts.count() > 1 else tree


def split(batch: Tree) -> Tree:
    """Splits every array [B, ...] into [devices, B / devices, ...], over this host's devices."""
    count = len(devices())
    return jax.tree.map(lambda x: x.reshape(count, x.shape[0] // count, *x.shape[1:]), batch)


def mean(tree: Tree) -> Tree:
    """Mean over devices, inside a mapped function.

    On CPUs all arrays go as one: XLA sums each by itself there, and over several hosts each sum
    waits for the slowest host. On other devices XLA itself puts them together, and for one device
    nothing is to be done.
    """
    if not is_cpu() or jax.lax.axis_size(AXIS) == 1:
        return jax.lax.pmean(tree, AXIS)
    flat, rebuild = jax.flatten_util.ravel_pytree(tree)
    return rebuild(jax.lax.pmean(flat, AXIS))


# Of the step that is traced; None: its devices share the batch evenly.
_uneven: contextvars.ContextVar[Shares | None] = contextvars.ContextVar("shares", default=None)


def gather(x: jax.Array) -> jax.Array:
    """The global [B, ...] of every device's share, inside a mapped function.

    The mean over devices of gradients through it is the gradient for all shares.
    """
    rows, shares = jax.lax.all_gather(x, AXIS, tiled=True), _uneven.get()
    return rows if shares is None else rows[np.flatnonzero(shares.counts)]


def example_indices(local_batch: int, axis: str = AXIS) -> jax.Array:
    """i32[local_batch], each example's index in the global batch.

    Inside a function that is mapped over `axis`.
    """
    shares = _uneven.get()
    if shares is not None:
        return jnp.asarray(shares.rows, jnp.int32)[jax.lax.axis_index(axis)]
    return jax.lax.axis_index(axis) * local_batch + jnp.arange(local_batch)


def batch_size(local_batch: int, axis: str = AXIS) -> int:
    """How many examples the global batch has, inside a function that is mapped over `axis`."""
    shares = _uneven.get()
    return local_batch * jax.lax.axis_size(axis) if shares is None else shares.size


def example_weights() -> jax.Array | None:
    """f32[local batch], of each example in a mean over the batch; None where all weigh the same.

    Examples that only fill a device's share up weigh nothing. The mean over devices of means over
    weighted examples is that over the global batch.
    """
    shares = _uneven.get()
    return None if shares is None else jnp.asarray(shares.weights)[jax.lax.axis_index(AXIS)]


def weighted(x: jax.Array) -> jax.Array:
    """A value of each example, f[b, ...], times its weight in a mean over the batch."""
    weights = example_weights()
    return x if weights is None else x * weights.reshape(-1, *(1 for _ in x.shape[1:]))


def _shared(function: Callable[..., Tree], shares: Shares) -> Callable[..., Tree]:
    """The function as it is traced for a batch that is shared like this."""

    @functools.wraps(function)
    def apply(*arguments: Tree) -> Tree:
        token = _uneven.set(None if shares.is_even else shares)
        try:
            return function(*arguments)
        finally:
            _uneven.reset(token)

    return apply


def _mapped(
    function: Callable[..., Tree], *, by_all_hosts: bool = False, **options: Any
) -> Callable[..., Tree]:
    """As `jax.pmap`, over the devices that are chosen when it is called, or over all hosts'."""
    made: dict[jax.Device | None, Callable[..., Tree]] = {}
    options["axis_name"] = AXIS

    def apply(*arguments: Tree) -> Tree:
        chosen = _chosen.get()
        if chosen not in made:
            where: dict[str, Any] = {}
            if by_all_hosts and hosts.count() > 1:
                where["devices"] = devices_of_all_hosts()
            elif chosen is not None or hosts.count() > 1:
                where["devices"] = devices()
            made[chosen] = jax.pmap(function, **options, **where)
        return made[chosen](*arguments)

    return apply


def _unchanged(resident: Tree, batch: Tree) -> Tree:
    return batch


def train_step(
    step: Callable[[Tree, Tree], tuple[Tree, Tree]],
    load: Callable[[Tree, Tree], Tree] = _unchanged,
    *,
    all_hosts_batch: int | None = None,
    parts: int = 1,
) -> Callable[..., tuple[Tree, Tree]]:
    """Maps step(state, local batch) -> (state, metrics) over the devices.

    `step` must reduce what it returns with `mean`: outputs are taken as equal on every device.
    Where a batch can't be divided evenly, some devices' shares are filled up with copies, which
    `weighted` leaves out of means, and `gather` out of the batch. The state's buffers are donated.

    Args:
      step: sees one device's share of the batch.
      load: (resident data, local batch) -> the local batch that `step` takes. It is compiled apart
        from `step`, which therefore is compiled once, however much data there are.
      all_hosts_batch: size of a batch that the hosts share: they take the step together, and each
        calls the function with the same state and its rows (`rows_of_this_host`). None: a host
        takes the step by itself, with batches of any size.
      parts: into which `step` divides its share.

    Returns:
      A function (state, batch, resident=None) -> (state, metrics). The batch's arrays have the
      global leading axis B. `resident` are data that stay on the devices, as `everywhere` returns
      them; with None the batch goes to `step` as it is.
    """
    loaded = _mapped(load, in_axes=(None, 0))

    @functools.cache
    def program(shares: Shares) -> tuple[Callable[..., Tree], Callable[..., Tree]]:
        function = _shared(step, shares)
        mapped = _mapped(
            function,
            by_all_hosts=all_hosts_batch is not None,
            in_axes=(None, 0),
            out_axes=None,
            donate_argnums=0,
        )
        return function, mapped

    def apply(state: Tree, batch: Tree, resident: Tree = None) -> tuple[Tree, Tree]:
        if all_hosts_batch is None or hosts.count() == 1:
            shares = Shares(len(jax.tree.leaves(batch)[0]), len(devices()), parts)
            first = 0
        else:
            shares = Shares(all_hosts_batch, device_count_of_all_hosts(), parts)
            first = hosts.index() * device_count()
        # Steps of other sizes are other programs only where some rows do not count.
        function, mapped = program(shares if not shares.is_even else Shares(1, 1))
        rehearsed = rehearsal.current()
        if rehearsed is not None:
            rows = shares.devices * shares.local
            batch = jax.tree.map(
                lambda x: jax.ShapeDtypeStruct((rows, *x.shape[1:]), x.dtype), batch
            )
            if resident is not None:
                batch = _note(rehearsed, load, (resident, batch))
            return _note(rehearsed, function, (state, batch), split_out=False, donated=(0,))
        state, batch = _on_all_devices(state), _deal(batch, shares, first)
        if resident is not None:
            batch = loaded(resident, batch)
        if is_cpu():
            # XLA's CPU client allows 32 calls in flight. Dispatching one more blocks a thread that
            # a pending all-reduce may need, which is a deadlock: so wait for the last step.
            jax.block_until_ready((state, batch))
        return mapped(state, batch)

    return apply


def _deal(batch: Tree, shares: Shares, first: int) -> Tree:
    """This host's rows [B, ...] -> [devices, local, ...]; `first`: its first device of all."""
    if shares.is_even:
        return split(batch)
    here = slice(first, first + len(devices()))
    rows = shares.rows[here] - shares.starts[first]
    return jax.tree.map(lambda x: x[np.clip(rows, 0, len(x) - 1)], batch)


def _note(
    rehearsed: rehearsal.Rehearsal,
    function: Callable[..., Tree],
    arguments: tuple[Tree, ...],
    *,
    split_out: bool = True,
    donated: tuple[int, ...] = (),
) -> Tree:
    """Notes what `_mapped` would run; the first argument is whole on every device."""
    return rehearsed.note(
        function,
        arguments,
        axis=AXIS,
        split_in=[False, *(True for _ in arguments[1:])],
        split_out=split_out,
        devices=len(devices()),
        donated=donated,
    )


def _on_all_devices(state: Tree) -> Tree:
    """Copies a state that is not yet on the devices to them, and waits until it is there.

    XLA's CPU client has one thread per core. If a step began while the second device still waited
    for its copy, the first device's reductions could occupy all threads: a deadlock.
    """
    if _is_everywhere(jax.tree.leaves(state)[0]):
        return state
    return jax.block_until_ready(everywhere(state))


def everywhere(tree: Tree) -> Tree:
    """Copies every array to every device, but for those that are there, so that no call has to.

    In a rehearsal, nothing is copied.
    """
    if rehearsal.current() is not None:
        return tree
    sharding = NamedSharding(Mesh(np.array(devices()), (AXIS,)), PartitionSpec())
    return jax.tree.map(lambda x: x if _is_everywhere(x) else jax.device_put(x, sharding), tree)


def _is_everywhere(x: object) -> bool:
    # A step's results have a NamedSharding. On one device, a SingleDeviceSharding is the same place
    # but another type, and the step would be compiled again at its second call.
    return (
        isinstance(x, jax.Array)
        and isinstance(x.sharding, NamedSharding)
        and x.sharding.device_set == set(devices())
    )


def map_examples(
    function: Callable[..., Tree], batch_size: int, load: Callable[[Tree, Tree], Tree] = _unchanged
) -> Callable[..., Tree]:
    """Maps function(state, *arrays) over examples, in padded batches of one compiled shape.

    Args:
      function: (state, *[b, ...] arrays) -> tree of [b, ...] arrays; what it returns of an example
        must not depend on the others.
      batch_size: examples per call; rounded up to a multiple of the device count.
      load: (resident data, array [b, ...]) -> the array that `function` takes, as in `train_step`.

    Returns:
      A function (state, *arrays [N, ...], resident=None) -> tree of numpy arrays [N, ...], for any
      N >= 1; `resident` as in `train_step`.
    """
    wanted = batch_size
    mapped: dict[int, Callable[..., Tree]] = {}
    loaded = _mapped(load, in_axes=(None, 0))

    def apply(state: Tree, *arrays: np.ndarray, resident: Tree = None) -> Tree:
        batch_size = -(-wanted // device_count()) * device_count()
        n = len(arrays[0])
        rehearsed = rehearsal.current()
        if rehearsed is not None:
            return rehearse(rehearsed, state, arrays, resident, batch_size)
        if len(arrays) not in mapped:
            mapped[len(arrays)] = _mapped(function, in_axes=(None, *(0 for _ in arrays)))
        state = everywhere(state)
        pieces = []
        for start in range(0, n, batch_size):
            batch = [_pad(np.asarray(a[start : start + batch_size]), batch_size) for a in arrays]
            batch = split(batch)
            if resident is not None:
                batch = [loaded(resident, array) for array in batch]
            out = mapped[len(arrays)](state, *batch)
            pieces.append(jax.tree.map(_join, out))
        return jax.tree.map(lambda *p: np.concatenate(p)[:n], *pieces)

    def rehearse(
        rehearsed: rehearsal.Rehearsal,
        state: Tree,
        arrays: tuple[np.ndarray, ...],
        resident: Tree,
        batch_size: int,
    ) -> Tree:
        """The results as zeros, so that callers who go on to compute with them can."""
        n = len(arrays[0])
        batch = [jax.ShapeDtypeStruct((batch_size, *a.shape[1:]), a.dtype) for a in arrays]
        for _ in range(0, n, batch_size):
            given = batch
            if resident is not None:
                given = [_note(rehearsed, load, (resident, array)) for array in batch]
            out = _note(rehearsed, function, (state, *given))
        return jax.tree.map(lambda v: np.zeros((n, *v.shape[1:]), v.dtype), out)

    return apply


def _pad(x: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last row until x has `size` rows."""
    return np.concatenate([x, np.repeat(x[-1:], size - len(x), axis=0)]) if len(x) < size else x


def _join(x: jax.Array) -> np.ndarray:
    return np.asarray(x).reshape(-1, *x.shape[2:])
