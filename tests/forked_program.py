"""The command line in a process that is forked off one which has imported the program.

A start of its own takes seconds, nearly all of them imports.
"""

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).parents[1]
# A server that has imported everything, and touched no device, forks a process in no time.
# A process of tests has one such server.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.reliability.preloaded"])


def run(arguments: Sequence[str], folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Runs `python main.py <arguments>` in the project's root, to its end.

    Args:
      folder: receives what it prints, in two files.
    """
    paths = (folder / "stdout", folder / "stderr")
    process = PROCESSES.Process(target=_main, args=(["main.py", *arguments], *paths))
    process.start()
    process.join()
    said = (path.read_text(encoding="utf-8") for path in paths)
    return subprocess.CompletedProcess(["main.py", *arguments], process.exitcode, *said)


def _main(argv: list[str], out: pathlib.Path, err: pathlib.Path) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
    os.chdir(ROOT)
    sys.argv = argv
    runpy.run_path("main.py", run_name="__main__")
