"""Several hosts at one run: the first one leads, the others follow.

The leader runs the program as on one machine. What is decided from clocks, signals, files or
measured numbers, it decides alone, and it alone writes, but for what a host makes by itself. The
others wait for what it tells them, and help where work is spread over hosts. So no two hosts can
take different ways, and with one host every function here does nothing.

What they say to each other is short and is JSON. It goes through the store of `jax.distributed`, on
no device: a host may wait there for hours.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
from jax._src import distributed  # the store has no public name; orbax takes it from here, too

from synthmed_jax.errors import UserError
from synthmed_jax.pulse import AGAIN, Pulse

# What JSON holds.
Message = Any
# In what Gloo says on a host whose neighbour has ended; others may notice nothing.
_GONE = re.compile("Connection closed by peer|Gloo .*(Connection reset by peer|Broken pipe)")
# How long a wait is within JAX, where Python notices no signal.
_WAIT_MILLISECONDS = 2000
# Messages that are forgotten together. Nobody is that far behind: the leader logs every few hundred
# steps, for which all must have taken them.
_CHAPTER = 10_000
# A start may wait for the slowest host, whose scheduler starts it minutes later.
_START_SECONDS = 300
# When jax.distributed ends the processes, if `Pulse` has not: after a half to the whole of it.
_HEARTBEAT_SECONDS = 200
_SHUTDOWN_SECONDS = 60


class Cluster(NamedTuple):
    """Which hosts work on a run; None: what the cluster's scheduler says.

    Attributes:
      coordinator: address of the first host with a free port, as 10.0.0.1:1234.
      num_processes: hosts, or processes where a host runs several.
      process_id: of this one, from 0.
    """

    coordinator: str | None = None
    num_processes: int | None = None
    process_id: int | None = None


class _Job:
    """This host's part in a job of several hosts."""

    def __init__(self, client: Any, index: int, count: int) -> None:
        self.client, self.index, self.count = client, index, count
        self.told = self.reported = 0


_job: _Job | None = None


@contextlib.contextmanager
def joined(cluster: Cluster | None, asked: Callable[[], bool]) -> Iterator[None]:
    """Within it, this process is one of several hosts; call it before any JAX operation.

    An error that ends the block here ends the job on all hosts.

    Args:
      cluster: None: this process works alone.
      asked: whether this process has been asked to end.

    Raises:
      UserError: the hosts do not find each other.
    """
    if cluster is None:
        yield
        return
    job = _join(cluster)
    pulse = Pulse(job.client, job.index, asked)
    pulse.start()
    try:
        yield
        if job.index == 0:
            _tell(job, _END)
    except BaseException as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        if not _GONE.search(why):
            pulse.fail(why)
            _leave()
            raise
        why = f"another host, with which it takes a step, is gone ({why})"
        pulse.fail(why)
        _leave()
        raise UserError(f"{why}\n{AGAIN}") from error
    pulse.stop()


def _join(cluster: Cluster) -> _Job:
    global _job
    address = cluster.coordinator
    if address is not None and not address.rpartition(":")[2].isdecimal():
        raise UserError(f"--coordinator={address} must be <address of the first host>:<free port>")
    # It would take SIGTERM for itself, of which `stopping` makes the most.
    jax.config.update("jax_enable_preemption_service", False)
    # Where there is none, JAX aborts the process, after a message of its own.
    print(f"looking for the other hosts, for {_START_SECONDS} s at most ...", flush=True)
    try:
        jax.distributed.initialize(
            *cluster,
            initialization_timeout=_START_SECONDS,
            heartbeat_timeout_seconds=_HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=_SHUTDOWN_SECONDS,
        )
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"the hosts of this run do not find each other ({str(error).splitlines()[0]}): give "
            "--coordinator=<address of the first host>:<free port>, --num_processes=<hosts> and "
            "--process_id=<0, 1, ...> on each, or start it under SLURM, Open MPI or on a TPU"
        ) from error
    state = distributed.global_state
    _job = _Job(state.client, state.process_id, state.num_processes)
    return _job


def _leave() -> None:
    """Takes this process out of the job: JAX would wait for all hosts when the program ends."""
    state = distributed.global_state
    for each in (state.client, state.service):
        # Where they are destroyed they abort the process, since others have not left in good order.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(each))
    state.client = state.service = None


def count() -> int:
    """How many hosts work on this run."""
    return _job.count if _job else 1


def index() -> int:
    """This host's number, from 0."""
    return _job.index if _job else 0


def follows() -> bool:
    """Whether this host does what another one tells it."""
    return index() > 0


# What the leader tells, beside tasks and their messages.
_END, _DONE = "end", "done"


def tell(message: Message) -> None:
    """The leader: tells the others something; each gets all messages in their order."""
    if _job and _job.index == 0:
        _tell(_job, message)


def _tell(job: _Job, message: Message) -> None:
    chapter = job.told // _CHAPTER
    if job.told % _CHAPTER == 0 and chapter > 1:
        job.client.key_value_delete(f"told/{chapter - 2}")  # all have read it long ago
    job.client.key_value_set(f"told/{chapter}/{job.told}", json.dumps(message))
    job.told += 1


def told() -> Message | None:
    """A follower: the leader's next message; None: the task, or the run, is done."""
    assert _job is not None
    text = _wait_for(_job, f"told/{_job.told // _CHAPTER}/{_job.told}")
    _job.told += 1
    message = json.loads(text)
    return None if message in (_END, _DONE) else message


def _wait_for(job: _Job, key: str) -> str:
    while True:
        try:
            return str(job.client.blocking_key_value_get(key, _WAIT_MILLISECONDS))
        except jax.errors.JaxRuntimeError as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                raise


def meet() -> None:
    """Waits until all hosts are here."""
    if follows():
        report(None)
        told()
    else:
        gathered(None)
        tell(None)


@contextlib.contextmanager
def helped(task: Message) -> Iterator[None]:
    """The leader: within it the others are at a task, until they are told that it is done."""
    tell(task)
    try:
        yield
    finally:
        tell(_DONE)


def gathered(own: Message) -> list[Message]:
    """The leader: what it and the others report, in the order of the hosts."""
    if _job is None:
        return [own]
    number, _job.reported = _job.reported, _job.reported + 1
    keys = [f"report/{number}/{host}" for host in range(1, _job.count)]
    reports = [json.loads(_wait_for(_job, key)) for key in keys]
    for key in keys:
        _job.client.key_value_delete(key)
    return [own, *reports]


def report(message: Message) -> None:
    """A follower: reports to the leader, which waits for it in `gathered`."""
    assert _job is not None
    _job.client.key_value_set(f"report/{_job.reported}/{_job.index}", json.dumps(message))
    _job.reported += 1
