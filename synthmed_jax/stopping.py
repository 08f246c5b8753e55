"""Ctrl-C and SIGTERM: a training saves first, and the program ends with the signal's status.

Python code notices a signal between two of its own steps. Where nothing would be lost, the run ends
there. Loops that keep what they have done now and then are `deferred`: they go on to a place where
they can save, for GRACE_SECONDS at most, and end there by `check`.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import types
from collections.abc import Iterator

from synthmed_jax.printable import printable

GRACE_SECONDS = 30.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The run has been asked to end; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _Request:
    """What this process has been asked, and whether it is in a place to end at once.

    Attributes:
      number: of the first signal; None: there was none.
      deferred: how many blocks that want to save first are entered.
      loading: whether modules are being loaded.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.deferred = 0
        self.loading = False

    def receive(self, number: int, frame: types.FrameType | None) -> None:
        """Handles a signal; the second one ends the run wherever it is."""
        again, self.number = self.number is not None, number
        if again or not (self.deferred or self.loading):
            raise Stopped(number)
        if self.loading:
            return
        print(
            f"\nstopping: saving first, for {GRACE_SECONDS:.0f} s at most; once more ends at once",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def give_up(self, number: int, frame: types.FrameType | None) -> None:
        """Handles the alarm after GRACE_SECONDS."""
        self.check()

    def check(self) -> None:
        if self.number is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Stopped(self.number)


_request = _Request()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Within it, SIGINT and SIGTERM end the program with a sentence and 128 + the signal's number.

    A signal that is ignored, as SIGINT is under nohup, stays so. Handlers are those of before at
    the end.
    """
    before = {number: signal.getsignal(number) for number in (*_SIGNALS, signal.SIGALRM)}
    for number in _SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, _request.receive)
    signal.signal(signal.SIGALRM, _request.give_up)
    try:
        yield
    except Stopped as stopped:
        print(
            f"stopped by {stopped}: what was saved is kept, and the same command goes on from here:"
            f"\n  {printable(command())}",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        sys.exit(128 + stopped.number)
    finally:
        _request.number = None
        for number, handler in before.items():
            signal.signal(number, handler)


def command() -> str:
    """Returns the command that this program was started with, as a shell takes it."""
    script, *arguments = sys.argv
    name = os.path.basename(script)
    installed = shutil.which(name)
    if installed and os.path.realpath(installed) == os.path.realpath(script):
        return shlex.join([name, *arguments])
    return shlex.join(sys.orig_argv)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Within it, where modules are loaded, a signal waits for the block's end.

    A module in C that is broken off while it is loaded prints a traceback of its own.
    """
    _request.loading = True
    try:
        yield
    finally:
        _request.loading = False
    check()


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Within it, a signal waits for `check`, or for the block's end, GRACE_SECONDS at most."""
    _request.deferred += 1
    try:
        yield
    finally:
        _request.deferred -= 1
    check()


def asked() -> bool:
    """Whether the run has been asked to end: time to save."""
    return _request.number is not None


def check() -> None:
    """Ends the run here, if it has been asked to; raises Stopped."""
    _request.check()
