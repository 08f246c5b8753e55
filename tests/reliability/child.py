"""Runs the program in a process of its own, which may be killed while it works."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import pathlib
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

import jax

from synthmed_jax import kept_programs, runner, shard
from synthmed_jax.classifiers import side_by_side
from synthmed_jax.classifiers import train as classifier_training
from synthmed_jax.classifiers.train import Training
from synthmed_jax.errors import UserError
from tests.forked_program import PROCESSES
from tests.reliability import small

T = TypeVar("T")
COMPILED = pathlib.Path(__file__).parents[2] / ".pytest_cache" / "xla"
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate"}


@dataclasses.dataclass(frozen=True)
class Command:
    """What a process does.

    Attributes:
      data, cache, workdir: folders.
      stages: names; empty: all.
      source: the workdir of --from.
      shard: "i/n", one of so many parts of the trainings; "": all.
      changes: config fields of other values, a__b for a.b.
      kill_before: SIGKILL before this change of a file, from 1; 0: never.
      stop_at: SIGSTOP before the first change of a file with this in its path; "": never.
      kill_after: SIGKILL after so many seconds of work; None: never.
      own_programs: keeps compiled programs as the program does, in the cache.
    """

    data: pathlib.Path
    cache: pathlib.Path
    workdir: pathlib.Path
    stages: Sequence[str] = ()
    source: pathlib.Path | None = None
    shard: str = ""
    changes: dict[str, object] = dataclasses.field(default_factory=dict)
    kill_before: int = 0
    stop_at: str = ""
    kill_after: float | None = None
    own_programs: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Attributes:
      status: as a shell has it, negative: the signal.
      said: on both streams.
      changes: of files, in the workdir and the cache.
    """

    status: int
    said: str
    changes: int


class Started:
    """A process that runs the program."""

    def __init__(self, command: Command, said: pathlib.Path) -> None:
        """said: a file for what it prints."""
        self._command, self._said = command, said
        self._here, there = PROCESSES.Pipe(duplex=False)
        self._process = PROCESSES.Process(target=_main, args=(command, said, there))
        self._process.start()
        there.close()

    def wait_until_stopped(self) -> None:
        """Waits until the process has stopped itself, as its command says."""
        state = pathlib.Path(f"/proc/{self._process.pid}/stat")
        while state.read_text().rpartition(")")[2].split()[0] not in "TZ":
            time.sleep(0.02)
        assert self._process.is_alive(), self._said.read_text(errors="backslashreplace")

    def send(self, number: int) -> None:
        """Sends a signal."""
        os.kill(self._process.pid, number)

    def wait(self) -> Outcome:
        """Waits for its end, or kills it when that is due."""
        changes = 0
        with contextlib.suppress(EOFError):
            self._here.recv()  # it begins
            if self._command.kill_after is not None:
                self._process.join(self._command.kill_after)
                self._process.kill()
            changes = self._here.recv()
        self._process.join()
        self._here.close()
        said = self._said.read_text(errors="backslashreplace")
        return Outcome(self._process.exitcode, said, changes)


def run(command: Command, said: pathlib.Path) -> Outcome:
    """Runs the program until it ends or is killed; `said` is a file for what it prints."""
    return Started(command, said).wait()


def call(function: Callable[[T], str], argument: T) -> str:
    """Calls a function in a process of its own, which keeps its errors to itself."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_call, args=(function, argument, there))
    process.start()
    there.close()
    answer = here.recv()
    process.join()
    here.close()
    return str(answer)


def _call(function: Callable[[T], str], argument: T, pipe: Connection) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        answer = function(argument)
    except Exception as error:  # noqa: BLE001  whatever a broken file hits
        answer = f"{type(error).__name__}"
    pipe.send(answer)
    os._exit(0)


def _main(command: Command, said: pathlib.Path, pipe: Connection) -> None:
    stream = said.open("w", errors="backslashreplace")
    os.dup2(stream.fileno(), 1)
    os.dup2(stream.fileno(), 2)
    sys.stdout = sys.stderr = stream
    sys.argv = ["main.py"]  # which the report shows
    small.add_network()
    killed = bool(command.kill_before) or command.kill_after is not None
    if command.own_programs:
        jax.config.update("jax_compilation_cache_dir", None)  # the environment's
        kept_programs._LEAST_SECONDS = 0.0  # no program of this network takes a second
    else:
        kept_programs.keep = lambda folder: _keep_all_programs(read_only=killed)
    runner._is_long = lambda *_: False  # expectations take longer than the work
    classifier_training.SAVE_SECONDS = -1.0  # so that there is a resume/
    config = small.make_config(command.data, command.cache, **command.changes)
    _say_trainings()
    count = _watch((command.workdir, command.cache), command.kill_before, command.stop_at)
    pipe.send("begins")
    status = 0
    try:
        part = shard.parse(command.shard, {}) if command.shard else None
        runner.run(config, command.workdir, command.stages, source=command.source, shard=part)
    except UserError as error:
        print(f"error: {error}")
        status = 2
    except BaseException:  # noqa: BLE001  as an interpreter would
        traceback.print_exc()
        status = 1
    stream.flush()
    with contextlib.suppress(BrokenPipeError):
        pipe.send(count[0])
    os._exit(status)


def _keep_all_programs(*, read_only: bool) -> None:
    """One cache for all processes; a killed one could leave half a program in it."""
    jax.config.update("jax_compilation_cache_dir", str(COMPILED))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", math.inf if read_only else 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _say_trainings() -> None:
    """Prints the folder of each training of `classify` that begins."""
    begin = side_by_side.step_by_step

    def said(training: Training) -> Generator[None, None, object]:
        print(f"trains {training.folder}", flush=True)
        return begin(training)

    side_by_side.step_by_step = said


def _watch(folders: Sequence[pathlib.Path], kill_before: int, stop_at: str) -> list[int]:
    """Counts the changes of files in these folders; ends or stops the process at one of them."""
    stopped = not stop_at
    count, roots = [0], tuple(f"{folder}/" for folder in folders)

    def on_event(event: str, args: tuple[object, ...]) -> None:
        if event not in _CHANGES and not (event == "open" and _writes(args[2])):
            return
        paths = [os.fsdecode(a) for a in args if isinstance(a, (str, bytes, os.PathLike))]
        # A tree is removed by names in its folders, which are relative.
        if not any(p.startswith(roots) or not p.startswith("/") for p in paths):
            return
        nonlocal stopped
        if not stopped and any(stop_at in path for path in paths):
            stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)
        count[0] += 1
        if count[0] == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(on_event)
    return count


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
