"""Starts main.py as users do, in a new process, with caches that only the benchmark uses."""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

ROOT = pathlib.Path(__file__).parents[1]


def parse(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[str]]:
    """Returns the benchmark's options, and those that it passes on to main.py."""
    parser.add_argument("--config", default="configs/phantom_ddpm.py:cpu")
    options, others = parser.parse_known_args()
    return options, [f"--config={options.config}", *others]


def start(
    options: Sequence[str], workdir: pathlib.Path, caches: pathlib.Path, core: int | None = None
) -> subprocess.Popen[bytes]:
    """Starts a run, whose output goes to <workdir>.log.

    Args:
      options: options of main.py, without the workdir and the caches.
      workdir: folder of the run.
      caches: folder that keeps compiled programs and prepared images for later runs.
      core: the one core that it may use (Linux's taskset); None: any.
    """
    workdir.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "main.py", *options, f"--workdir={workdir}"]
    command.append(f"--config.data.cache_dir={caches / 'data'}")
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(caches / "xla")}
    with _log(workdir).open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def run(options: Sequence[str], workdir: pathlib.Path, caches: pathlib.Path) -> None:
    """Runs main.py to its end; arguments as of `start`."""
    if start(options, workdir, caches).wait():
        fail(workdir)


def fail(workdir: pathlib.Path) -> NoReturn:
    """Ends the benchmark with the last output of a failed run."""
    raise SystemExit(_log(workdir).read_text(encoding="utf-8")[-2000:])


def _log(workdir: pathlib.Path) -> pathlib.Path:
    return workdir.with_name(f"{workdir.name}.log")
