"""The table of stages on a terminal, and the box at the end, drawn by rich."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from synthmed_jax import progress
from synthmed_jax.durations import in_words
from synthmed_jax.printable import printable
from synthmed_jax.terminal.board import Board, State, fitting
from synthmed_jax.terminal.streams import Stream

# Beside the words, which say the same without colours.
_STYLES = {
    State.WAITING: "dim",
    State.RUNNING: "bold cyan",
    State.DONE: "green",
    State.KEPT: "dim green",
    State.STOPPED: "bold yellow",
    State.SKIPPED: "dim",
}
_PER_SECOND = 4
_BAR_WIDTH = 20
# Lines under the rows: a gap, the bar, the time left, and the cursor's.
_BELOW = 4


class _Console(Console):
    """A console that leaves the cursor alone: a run that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:
        """Does nothing."""
        return False


class _AsItIs:
    """Something that is drawn anew whenever it is shown, also below a line that is printed."""

    def __init__(self, draw_now: Callable[[], RenderableType]):
        self._draw_now = draw_now

    def __rich__(self) -> RenderableType:
        return self._draw_now()


class LiveTable:
    """One table, which stays where it is while lines go by above it."""

    def __init__(self, out: Stream, err: Stream, *, colours: bool):
        """out, err: standard output and error, both on the terminal."""
        self._out, self._err = out, err
        self._console = _Console(
            file=out.stream,
            force_terminal=True,
            no_color=not colours,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        self._board, self._over = Board({}), False

    @contextlib.contextmanager
    def stages(self, states: Mapping[str, State]) -> Iterator[None]:
        """Within it, the table is drawn, and what is printed goes above it."""
        self._board = board = Board(states)
        live = Live(
            _AsItIs(lambda: draw(board, self._room)),
            console=self._console,
            refresh_per_second=_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with (
            progress.watched_by(board),
            self._out.above(self._print),
            self._err.above(self._print),
            live,
        ):
            try:
                yield
            finally:
                self._over = True  # and the last table may be longer than the screen

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Notes how long stages will take."""
        self._board.expect(seconds)

    def start(self, name: str, expected_seconds: float | None) -> None:
        """A stage begins."""
        self._board.start(name)

    def end(self, name: str, state: State, seconds: float) -> None:
        """A stage is over."""
        self._board.end(name, state)

    def answer(self, lines: Sequence[str]) -> None:
        """Draws a box; a path that it would break stands below it, so that it can be copied."""
        *said, report = lines
        inside = len(report) <= self._console.width - 4
        text = Text("\n".join(lines if inside else said))
        self._console.print(Panel(text, expand=False))
        if not inside:
            self._print(report)

    @property
    def _room(self) -> int | None:
        """Rows that fit on the screen; None: the table moves no more."""
        return None if self._over else self._console.height - _BELOW

    def _print(self, line: str) -> None:
        # The terminal breaks long lines itself: what is copied from it is whole.
        self._console.print(Text(line), soft_wrap=True)


def draw(board: Board, most: int | None) -> RenderableType:
    """Returns the table as it is now.

    Args:
      most: rows that fit on the screen; None: all are shown.
    """
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "right", "right"):
        table.add_column(justify=justify, no_wrap=True, overflow="crop")
    for row in board.rows if most is None else fitting(board.rows, most):
        style = _STYLES[row.state]
        table.add_row(row.name, Text(row.state, style), row.took, row.left)
    parts: list[RenderableType] = [table]
    if board.bar is not None:
        parts.append(_draw_bar(board.bar))
    left = board.seconds_left
    if left is not None:
        parts.append(Text(f"about {in_words(left)} left in all", "dim"))
    return Group(*parts)


def _draw_bar(bar: progress.Bar) -> RenderableType:
    line = Table.grid(padding=(0, 1))
    for _ in range(3):
        line.add_column(no_wrap=True, overflow="crop")
    shown = ProgressBar(bar.total or 1, min(bar.done, bar.total or 0), width=_BAR_WIDTH)
    line.add_row(Text(printable(bar.description)), shown, Text(printable(progress.how_far(bar))))
    return line
