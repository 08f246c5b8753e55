"""One run at a time in a remote workdir: its owner says so in an object, again and again.

Two clocks that differ by minutes do no harm: the shortest lease is half an hour.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import time
import uuid

from synthmed_jax.durations import in_words
from synthmed_jax.errors import UserError
from synthmed_jax.remote.store import Store

NAME = "lease.json"
_LEAST_SECONDS = 1800.0
_PUSHES = 3  # so many may fail before another machine takes the run for dead
_ATTEMPTS = 3


class Lost(UserError):
    """Another run has taken the workdir over."""


@dataclasses.dataclass(frozen=True)
class Held:
    """What a lease says.

    Attributes:
      token: of this hold alone.
      copy: of the folder on a machine's disk that its run works in.
      host, pid: of that run, for a person.
      renewed: when it was last renewed, seconds since 1970.
      seconds: that it holds from then on.
    """

    token: str
    copy: str
    host: str
    pid: int
    renewed: float
    seconds: float

    def to_bytes(self) -> bytes:
        """Returns it as the object holds it."""
        return json.dumps(dataclasses.asdict(self), indent=1).encode()


class Lease:
    """The hold of this process on a remote workdir."""

    def __init__(self, store: Store, copy: str, push_seconds: float) -> None:
        """Nothing is held yet.

        Args:
          copy: names the folder on this machine's disk; only one process at a time has it. "":
            that is not sure.
          push_seconds: how often it will be renewed at least.
        """
        self._store = store
        self._seconds = max(_PUSHES * push_seconds, _LEAST_SECONDS)
        self._held = Held(
            uuid.uuid4().hex, copy, socket.gethostname(), os.getpid(), 0.0, self._seconds
        )

    def acquire(self, *, take_over: bool = False) -> None:
        """Takes hold.

        A lease of this folder's own is of a run that was killed here. One that was not renewed in
        time is of a machine that is gone.

        Args:
          take_over: whatever is held.

        Raises:
          UserError: another run is at work there.
        """
        for _ in range(_ATTEMPTS):
            self._held = dataclasses.replace(self._held, renewed=time.time())
            if self._store.create(NAME, self._held.to_bytes()):
                return
            held = self._read()
            if held is None:  # let go of in between
                continue
            ours = bool(held.copy) and (held.copy, held.host) == (self._held.copy, self._held.host)
            left = held.renewed + held.seconds - time.time()
            if not (ours or take_over or left < 0):
                raise UserError(_at_work(self._store.address, held, left))
            self._store.write(NAME, self._held.to_bytes())
            self.check()
            return
        raise UserError(f"{self._store.address}: other runs begin and end there: try again")

    def renew(self) -> None:
        """Says that this run is alive; raises Lost."""
        self.check()
        self._held = dataclasses.replace(self._held, renewed=time.time())
        self._store.write(NAME, self._held.to_bytes())

    def renew_if_due(self) -> None:
        """The same, once a third of the time has passed."""
        if time.time() - self._held.renewed > self._seconds / 3:
            self.renew()

    def check(self) -> None:
        """Raises Lost unless this run holds the workdir."""
        held = self._read()
        if held is not None and held.token == self._held.token:
            return
        by = "by another run, or let go of"
        if held is not None:
            by = f"by process {held.pid} on {held.host}"
        raise Lost(f"{self._store.address} was taken over {by}: nothing more is pushed from here")

    def release(self) -> None:
        """Lets go, if this run holds the workdir."""
        held = self._read()
        if held is not None and held.token == self._held.token:
            self._store.remove([NAME])

    def _read(self) -> Held | None:
        content = self._store.read(NAME)
        if content is None:
            return None
        try:
            return Held(**json.loads(content))
        except (ValueError, TypeError) as error:
            raise UserError(
                f"{self._store.address}/{NAME} is not what a run writes there: take another "
                "--workdir, or delete it if no run is at work there"
            ) from error


def _at_work(address: str, held: Held, left: float) -> str:
    return (
        f"another run is at work in {address}: process {held.pid} on {held.host}, last seen "
        f"alive {in_words(max(time.time() - held.renewed, 0.0))} ago. Wait for its end, or take a "
        f"new --workdir. If it is dead: in {in_words(left)} it is taken for dead; --take_over "
        "takes the workdir from it now"
    )
