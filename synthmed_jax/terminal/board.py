"""The stages of a run and how far each is, as rows of text: no screen, no colour."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections.abc import Callable, Mapping, Sequence

from synthmed_jax.durations import in_words
from synthmed_jax.progress import Bar


class State(enum.StrEnum):
    """How far a stage is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    KEPT = "kept from before"
    STOPPED = "stopped"
    SKIPPED = "skipped"  # it was not asked for


@dataclasses.dataclass(frozen=True)
class Row:
    """One stage, as it is shown.

    Attributes:
      name: of the stage.
      state: how far it is.
      took: how long it has been at work in this run; "" before.
      left: how long it will be, about; "" where that is not known.
    """

    name: str
    state: State
    took: str = ""
    left: str = ""


@dataclasses.dataclass
class _Stage:
    state: State
    expected: float | None = None
    started: float = 0.0
    seconds: float | None = None


class Board:
    """What is known of the stages now; of the bars that it is told of, the last is shown."""

    def __init__(
        self, stages: Mapping[str, State], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """stages: name -> state, in their order."""
        self._stages = {name: _Stage(state) for name, state in stages.items()}
        self._clock = clock
        self._bars: list[Bar] = []

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Notes how long stages will take, as far as that was measured."""
        for name, each in seconds.items():
            if name in self._stages:
                self._stages[name].expected = each

    def start(self, name: str) -> None:
        """A stage is at work; one that is not in the table mends something, and comes last."""
        stage = self._stages.setdefault(name, _Stage(State.WAITING))
        stage.state, stage.started, stage.seconds = State.RUNNING, self._clock(), None
        self._bars = []

    def end(self, name: str, state: State) -> None:
        """A stage is no longer at work."""
        stage = self._stages.setdefault(name, _Stage(state))
        if stage.state is State.RUNNING:
            stage.seconds = self._clock() - stage.started
        stage.state = state
        self._bars = []

    def began(self, bar: Bar) -> None:
        """A bar begins."""
        self._bars = [*self._bars, bar]  # another thread reads it

    def moved(self, bar: Bar) -> None:
        """A bar has moved on, which it knows itself."""

    def ended(self, bar: Bar, *, whole: bool) -> None:
        """A bar is left."""
        self._bars = [each for each in self._bars if each is not bar]

    @property
    def bar(self) -> Bar | None:
        """The last begun of those that are worth showing."""
        now = self._clock()
        return next((b for b in reversed(self._bars) if now - b.begun >= b.patience), None)

    @property
    def rows(self) -> list[Row]:
        """A row per stage."""
        return [self._row(name, stage) for name, stage in list(self._stages.items())]

    @property
    def seconds_left(self) -> float | None:
        """What all stages together will still take, as far as it was foreseen; None: it was not.

        Where no stage is at work, the run is over or broken off: None.
        """
        stages = list(self._stages.values())
        if not any(stage.state is State.RUNNING for stage in stages):
            return None
        known = [self._left(stage) for stage in stages]
        seconds = [each for each in known if each is not None]
        return sum(seconds) if seconds else None

    def _row(self, name: str, stage: _Stage) -> Row:
        took = stage.seconds
        if stage.state is State.RUNNING:
            took = self._clock() - stage.started
        left = self._left(stage)
        return Row(
            name,
            stage.state,
            "" if took is None else in_words(took),
            "" if left is None else f"about {in_words(left)}",
        )

    def _left(self, stage: _Stage) -> float | None:
        """Seconds that a stage will take, or take on; None: unknown, or it takes none."""
        if stage.state is State.WAITING:
            return stage.expected
        if stage.state is not State.RUNNING or stage.expected is None:
            return None
        # Where it takes longer than was foreseen, its bar knows more.
        bar = self.bar
        of_bar = None if bar is None else bar.seconds_left
        foreseen = max(stage.expected - (self._clock() - stage.started), 0.0)
        return max(foreseen, of_bar or 0.0)


def fitting(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """Returns the rows that are shown where there is room for so many.

    What is over goes first, from the top, then what waits, from the end.

    Args:
      most: rows that fit, 1 at least.
    """
    shown = list(rows)
    over = [row for row in rows if row.state not in (State.RUNNING, State.WAITING)]
    waiting = [row for row in reversed(rows) if row.state is State.WAITING]
    for row in [*over, *waiting]:
        if len(shown) <= max(most, 1):
            break
        shown.remove(row)
    return shown
