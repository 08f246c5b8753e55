"""How far a piece of work is: bars, and who shows them.

Work moves a `Bar` on and knows nothing of screens. Who shows bars is told of them: the table on a
terminal (terminal/live.py), or else `Minutely`, in plain lines on standard error.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from types import TracebackType
from typing import Protocol, Self, TypeVar

from synthmed_jax.durations import in_words
from synthmed_jax.printable import printable

_T = TypeVar("_T")


class Bar:
    """A piece of work of which is known how far it is.

    Attributes:
      description: what is being done.
      unit: name of one unit.
      total: units until the end; None: unknown.
      done: units so far, with those of an earlier run.
      begun: seconds of the clock at which it began.
      patience: seconds before it is worth showing.
      notes: name -> text beside it, such as the last loss.
    """

    def __init__(
        self,
        description: str,
        unit: str,
        total: int | None,
        initial: int = 0,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.description, self.unit, self.total, self.done = description, unit, total, initial
        self.patience, self.begun = patience, clock()
        self.notes: dict[str, str] = {}
        self._clock = clock
        # The first step compiles for up to a minute: the rate is that of the steps after it.
        self._first: tuple[float, int] | None = None

    def update(self, count: int = 1) -> None:
        """Moves on by some units."""
        self.done += count
        if self._first is None:
            self._first = self._clock(), self.done
        _watcher().moved(self)

    def note(self, **notes: str) -> None:
        """Replaces what stands beside the bar."""
        self.notes = notes

    @property
    def rate(self) -> float | None:
        """Units per second; None: not known yet."""
        if self._first is None:
            return None
        (since, at), now = self._first, self._clock()
        return (self.done - at) / (now - since) if self.done > at and now > since else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until its end at that rate; None: not known."""
        rate = self.rate
        return None if self.total is None or not rate else max(self.total - self.done, 0) / rate

    def __enter__(self) -> Self:
        _watcher().began(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        # A loop over it that was left tells of that late, when Python tidies up: nothing to say.
        _watcher().ended(self, whole=kind in (None, GeneratorExit))


class Watcher(Protocol):
    """Who shows bars."""

    def began(self, bar: Bar) -> None:
        """A bar begins; others that have not ended are around it."""

    def moved(self, bar: Bar) -> None:
        """A bar has moved on."""

    def ended(self, bar: Bar, *, whole: bool) -> None:
        """A bar is left; not `whole`: an error or a signal broke it off."""


class Minutely:
    """Plain lines: at most one per minute, and where work stood when it was broken off."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, every: float = 60.0):
        """every: seconds between two lines, at least."""
        self._clock, self._every = clock, every
        self._said = clock()

    def begin(self) -> None:
        """Starts the first minute anew: what takes less is not spoken of."""
        self._said = self._clock()

    def began(self, bar: Bar) -> None:
        """Says nothing yet."""

    def moved(self, bar: Bar) -> None:
        """Says how far it is, if the last line was long enough ago."""
        if self._clock() - self._said >= self._every:
            self._say(bar)

    def ended(self, bar: Bar, *, whole: bool) -> None:
        """Says where it stood, unless it came to its end."""
        if not whole:
            self._say(bar)

    def _say(self, bar: Bar) -> None:
        self._said = self._clock()
        print(printable(f"{bar.description}: {how_far(bar)}"), file=sys.stderr, flush=True)


def how_far(bar: Bar) -> str:
    """Units, rate, time left and notes in one line, as far as they are known."""
    of = "" if bar.total is None else f"/{bar.total}"
    share = f" ({100 * bar.done // bar.total} %)" if bar.total else ""
    parts = [f"{bar.done}{of} {bar.unit}s{share}"]
    rate, left = bar.rate, bar.seconds_left
    if rate is not None:
        slow = rate < 1  # a unit takes seconds
        parts.append(f"{1 / rate:.1f} s/{bar.unit}" if slow else f"{rate:.1f} {bar.unit}s/s")
    if left is not None:
        parts.append(f"{in_words(left)} left")
    return ", ".join([*parts, *(f"{name} {text}" for name, text in bar.notes.items())])


# The last one is told. Without any table work is told of in plain lines.
_watchers: list[Watcher] = [Minutely()]


def _watcher() -> Watcher:
    return _watchers[-1]


@contextlib.contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Within it, this one is told of all bars."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def progress_bar(*, description: str, total: int, initial: int = 0, unit: str = "unit") -> Bar:
    """Returns a bar that is entered with `with`, and moved on by `update(n)`.

    Args:
      description: what is being done.
      total: units until the end.
      initial: units that were done before, in an earlier run.
      unit: name of one unit.
    """
    return Bar(description, unit, total, initial)


def progress_over(
    iterable: Iterable[_T], *, description: str, unit: str, patience: float = 0.0
) -> Iterator[_T]:
    """Yields what the iterable has, and shows how far that is.

    Args:
      patience: seconds; work that is done sooner is not shown.
    """
    total = len(iterable) if isinstance(iterable, Sized) else None
    bar = Bar(description, unit, total, patience=patience)
    with bar:
        for each in iterable:
            yield each
            bar.update()


def file_progress_bar(files: Iterable[_T], description: str) -> Iterator[_T]:
    """Iterates over files with a bar that shows only if that takes longer than two seconds."""
    return progress_over(files, description=description, unit="file", patience=2.0)
