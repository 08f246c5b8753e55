"""Signs of life between the hosts of one job, so that none waits for one that has ended.

Every host says every BEAT_SECONDS that it lives, in the store of `jax.distributed`, and looks at
the others. One that says it has failed, or that is silent for SILENT_SECONDS, ends the job: every
host prints which one it was and ends, wherever it is. A host that waits for another one inside of a
compiled program could do nothing else. The store is the leader's: where its machine stands still,
no call of the store returns, and a second thread ends the host.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn, Protocol

BEAT_SECONDS = 2.0
SILENT_SECONDS = 60.0
STATUS = 1
AGAIN = "What was saved is kept, and the same command on all hosts, or on more or fewer, goes on"
_FOLDER = "pulse"
_LIVES, _ASKED, _FAILED = "lives", "asked to end", "failed"


class Store(Protocol):
    """What is used of jax.distributed's client."""

    def key_value_set(self, key: str, value: str, allow_overwrite: bool = False) -> None: ...

    def key_value_dir_get(self, key: str) -> list[tuple[str, str]]: ...


class Watch:
    """What the others said last, and when that was.

    A host counts as silent from when it was first heard: how long the slowest one takes to start,
    `jax.distributed.initialize` decides.
    """

    def __init__(self) -> None:
        self._heard: dict[int, tuple[str, float]] = {}

    def look(self, said: dict[int, str], now: float) -> tuple[int, str] | None:
        """Takes what every host says; returns the host that has ended, and why, if one has.

        Args:
          said: host -> what `say` wrote.
          now: seconds on a clock that only goes forward.
        """
        for host, text in sorted(said.items()):
            before = self._heard.get(host)
            if before is None or before[0] != text:
                self._heard[host] = (text, now)
            _, state, name, why = text.split("\t", 3)
            if state == _FAILED:
                return host, f"host {host} ({name}) has ended: {why}"
            silent = now - self._heard[host][1]
            if silent > SILENT_SECONDS:
                return host, (
                    f"host {host} ({name}) has been silent for {silent:.0f} s: it was killed, its "
                    "machine is down, or the network between the hosts is broken"
                )
        return None


def asked_to_end(said: dict[int, str]) -> bool:
    """Whether one of the hosts has been asked to end."""
    return any(text.split("\t", 3)[1] == _ASKED for text in said.values())


class Pulse:
    """This host's sign of life; threads of its own give it, watch the others, and the store."""

    def __init__(self, store: Store, index: int, asked: Callable[[], bool]) -> None:
        """Prepares it.

        Args:
          index: of this host; 0 leads.
          asked: whether this process has been asked to end.
        """
        self._store, self._index, self._asked = store, index, asked
        self._beats, self._passed_on = 0, False
        self._stopped, self._left = threading.Event(), threading.Event()
        self._unanswered = 0  # beats' time since the store answered
        self._thread = threading.Thread(target=self._beat_on, name="pulse", daemon=True)
        self._guard = threading.Thread(target=self._guard_store, name="store", daemon=True)

    def start(self) -> None:
        """Gives the first sign of life, and begins to watch."""
        self._say(_LIVES)
        self._thread.start()
        self._guard.start()

    def stop(self) -> None:
        """Ends it: the job has ended on all hosts."""
        self._stopped.set()
        self._thread.join()
        self._left.set()

    def fail(self, why: str) -> None:
        """Says that this host ends with an error; the others hear it before the store ends."""
        self._stopped.set()
        self._thread.join()
        self._say(_FAILED, why)
        self._left.set()
        if self._index == 0:
            time.sleep(3 * BEAT_SECONDS)

    def _say(self, state: str, why: str = "") -> None:
        self._beats += 1
        text = "\t".join((str(self._beats), state, socket.gethostname(), why))
        self._store.key_value_set(f"{_FOLDER}/{self._index}", text, allow_overwrite=True)

    def _listen(self) -> dict[int, str]:
        """What the other hosts said last."""
        said = {int(key.split("/")[-1]): v for key, v in self._store.key_value_dir_get(_FOLDER)}
        return {host: text for host, text in said.items() if host != self._index}

    def _beat_on(self) -> None:
        watch = Watch()
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                self._say(_ASKED if self._asked() else _LIVES)
                said = self._listen()
            except Exception as error:  # noqa: BLE001 (whatever the store's client raises)
                _end(f"host 0 can't be reached ({str(error).splitlines()[0]})")
            self._unanswered = 0
            if self._index == 0 and not self._passed_on and asked_to_end(said):
                # It saves and ends as if it had been asked itself, and the others end with it.
                self._passed_on = True
                os.kill(os.getpid(), signal.SIGTERM)
            ended = watch.look(said, time.monotonic())
            if ended is not None:
                if self._index == 0:
                    # The store ends with it, and the others are to look once more before.
                    time.sleep(3 * BEAT_SECONDS)
                _end(ended[1])

    def _guard_store(self) -> None:
        # In beats and not by the clock: a process that was stopped itself has missed nothing.
        while not self._left.wait(BEAT_SECONDS):
            self._unanswered += 1
            silent = self._unanswered * BEAT_SECONDS
            if silent > SILENT_SECONDS:
                _end(
                    f"host 0 has not answered for {silent:.0f} s: its machine stands still, or the "
                    "network between the hosts is broken"
                )


def _end(why: str) -> NoReturn:
    """Ends this process at once: its other threads may wait for a host that is gone."""
    print(f"\nerror: {why}\n{AGAIN}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(STATUS)
