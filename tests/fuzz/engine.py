"""Runs a target on many inputs, and keeps those that break it."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import random
import resource
import signal
import time
import traceback
import types
import warnings
from collections.abc import Callable, Sequence

from tests.fuzz.mutate import mutate

SLOWEST = 5.0
"""Seconds that one execution may take, on a machine that others use too."""
MEMORY = 256
"""MiB by which one execution may raise the memory of the process."""
_KEPT = 20  # inputs of one kind of failure


@dataclasses.dataclass(frozen=True)
class Seed:
    """A valid file: its name, which some readers go by, and what it holds."""

    name: str
    content: bytes


@dataclasses.dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes:
      seeds: draws the valid files.
      run: reads one file, given a folder for it; raises one of `allowed` where it can't, and
        AssertionError where it gives what it must not give.
      allowed: exceptions that are written for the user.
    """

    seeds: Callable[[], Sequence[Seed]]
    run: Callable[[Seed, pathlib.Path], None]
    allowed: tuple[type[Exception], ...]


@dataclasses.dataclass
class Outcome:
    """What the executions of one target came to.

    Attributes:
      executions: in all.
      read: of those, how many files were read.
      refused: name of an allowed exception -> number.
      failures: what went wrong -> number.
      slowest: seconds, and the number of that input.
      seconds: of all.
      kept: files with inputs that failed.
    """

    executions: int = 0
    read: int = 0
    refused: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    failures: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    slowest: tuple[float, int] = (0.0, 0)
    seconds: float = 0.0
    kept: list[pathlib.Path] = dataclasses.field(default_factory=list)


class _TooLongError(BaseException):
    """Rises in an execution that takes too long; no reader catches it."""


def input_of(target: str, seeds: Sequence[Seed], seed: int, number: int) -> Seed:
    """Returns one input: the same target, seed and number give the same bytes."""
    rng = random.Random(f"{seed}/{target}/{number}")
    chosen = rng.choice(seeds)
    others = [each.content for each in seeds]
    name = rng.choice(seeds).name if rng.random() < 0.02 else chosen.name
    return Seed(name, mutate(rng, chosen.content, others))


def execute(target: Target, given: Seed, folder: pathlib.Path) -> tuple[str, str]:
    """Runs a target on one input.

    Returns:
      ("", "") where it was read; (name of the exception, "") where it was refused as it should be;
      (what went wrong, its traceback) otherwise. A warning counts as wrong.
    """
    before, heard = _memory(), []
    warnings.showwarning = lambda message, category, *_, **__: heard.append(  # type: ignore[assignment]
        f"{category.__name__}: {message}"
    )
    signal.setitimer(signal.ITIMER_REAL, SLOWEST)
    try:
        target.run(given, folder)
        name, trace = "", ""
    except target.allowed as error:
        name, trace = type(error).__name__, ""
    except (Exception, _TooLongError) as error:  # noqa: BLE001  what must not rise is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        name = f"{type(error).__name__} in {pathlib.Path(where.filename).name}:{where.name}"
        trace = traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if heard and not trace:
        name, trace = f"warning {heard[0].partition(':')[0]}", heard[0]
    if _memory() - before > MEMORY and not trace:
        name, trace = "memory", f"{_memory() - before} MiB more"
    return name, trace


def fuzz(
    name: str,
    target: Target,
    executions: int,
    seed: int,
    folder: pathlib.Path,
    failing: pathlib.Path,
    *,
    first: int = 0,
) -> Outcome:
    """Runs a target on `executions` inputs.

    Args:
      name: of the target.
      seed: of the inputs.
      folder: for the files that are read; an empty one, best in memory.
      failing: inputs that break the target are written below it, with their tracebacks.
      first: number of the first input.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outcome, seeds = Outcome(), target.seeds()
    start = time.perf_counter()
    before = signal.signal(signal.SIGALRM, _too_long)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        try:
            for number in range(first, first + executions):
                given = input_of(name, seeds, seed, number)
                begun = time.perf_counter()
                what, trace = execute(target, given, folder)
                outcome.slowest = max(outcome.slowest, (time.perf_counter() - begun, number))
                outcome.executions += 1
                if trace:
                    outcome.failures[what] += 1
                    if outcome.failures[what] <= _KEPT:
                        stem = failing / f"{name}-{seed}-{number}"
                        outcome.kept.append(_keep(stem, given, f"{what}\n{given.name}\n{trace}"))
                elif what:
                    outcome.refused[what] += 1
                else:
                    outcome.read += 1
        finally:
            signal.signal(signal.SIGALRM, before)
    outcome.seconds = time.perf_counter() - start
    return outcome


def _too_long(_: int, __: types.FrameType | None) -> None:
    raise _TooLongError(f"more than {SLOWEST} s")


def _memory() -> int:
    """MiB that the process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _keep(stem: pathlib.Path, given: Seed, text: str) -> pathlib.Path:
    stem.parent.mkdir(parents=True, exist_ok=True)
    path = stem.with_name(stem.name + "".join(pathlib.Path(given.name).suffixes))
    path.write_bytes(given.content)
    stem.with_name(stem.name + ".why.txt").write_text(text, encoding="utf-8", errors="replace")
    return path
