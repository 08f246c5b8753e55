"""What is said of a run's stages, and its plain form: lines, for files and for simple terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from synthmed_jax import progress
from synthmed_jax.durations import in_words
from synthmed_jax.terminal.board import State


class Screen(Protocol):
    """Where a person looks."""

    def stages(self, states: Mapping[str, State]) -> AbstractContextManager[None]:
        """Within it, stages run; name -> state of each, in their order."""

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Stage -> seconds that it will take, as far as that was measured."""

    def start(self, name: str, expected_seconds: float | None) -> None:
        """A stage begins."""

    def end(self, name: str, state: State, seconds: float) -> None:
        """A stage is no longer at work, after so many seconds, or was over before."""

    def answer(self, lines: Sequence[str]) -> None:
        """The run is over; the last line names the report."""


class Plain:
    """Lines on standard output; how far a stage is on standard error, once a minute at most."""

    def __init__(self, progress_lines: progress.Minutely | None = None):
        """progress_lines: None: those of a clock of the machine."""
        self._lines = progress_lines or progress.Minutely()

    def stages(self, states: Mapping[str, State]) -> AbstractContextManager[None]:
        """Says nothing of stages that wait."""
        return progress.watched_by(self._lines)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Says nothing: the lines before have said it."""

    def start(self, name: str, expected_seconds: float | None) -> None:
        """Says that a stage begins, and how long it will take."""
        about = f" about {in_words(expected_seconds)}" if expected_seconds else ""
        print(f"{name} ...{about}", flush=True)
        self._lines.begin()

    def end(self, name: str, state: State, seconds: float) -> None:
        """Says that a stage is over; one that was stopped is told of by the error's message."""
        if state is State.KEPT:
            print(f"{name}: finished, nothing to do", flush=True)
        if state is State.DONE:
            print(f"{name}: done in {seconds:.0f} s", flush=True)

    def answer(self, lines: Sequence[str]) -> None:
        """Prints the lines between two rules."""
        rule = "-" * 72
        print(rule, *lines, rule, sep="\n", flush=True)
