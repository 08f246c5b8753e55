"""Seconds from starting a second run to its first training step.

    python -m benchmarks.warm_start
    python -m benchmarks.warm_start --config=configs/all_ddpm.py:cpu --config.data.dir=/data

A first run fills the caches (compiled programs, prepared images). Each later run is a new process
with a new workdir that uses them. The first step is done when the run has recorded its loss; then
the run is killed.
"""

from __future__ import annotations

import argparse
import pathlib
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence

from benchmarks import command, duel

BAR_SECONDS = 15
POLL_SECONDS = 0.02


def seconds_to_first_step(
    options: Sequence[str], workdir: pathlib.Path, caches: pathlib.Path
) -> tuple[float, float]:
    """Wall and CPU seconds of a run until its first training step; arguments of `command.start`."""
    metrics = workdir / "diffusion" / "metrics.jsonl"
    before, started = _cpu_seconds(), time.monotonic()
    process = command.start([*options, "--config.diffusion.train.log_every=1"], workdir, caches)
    try:
        while not (metrics.exists() and metrics.stat().st_size):
            if process.poll() is not None:
                command.fail(workdir)
            time.sleep(POLL_SECONDS)
        seconds = time.monotonic() - started
    finally:
        process.kill()
        process.wait()
    return seconds, _cpu_seconds() - before


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=3, help="runs after the one that fills the caches"
    )
    options, handed_on = command.parse(parser)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        measured = []
        for number in range(options.runs + 1):
            measured.append(
                seconds_to_first_step(handed_on, root / f"run{number}", root / "caches")
            )
            wall, cpu = measured[-1]
            print(f"warm_start {number}/{options.runs}: {wall:.1f} s, {cpu:.1f} of CPU", flush=True)
    cold, *warm = ([round(wall, 2), round(cpu, 2)] for wall, cpu in measured)
    duel.report(
        {
            "name": "warm_start",
            "seconds": statistics.median(wall for wall, _ in warm),
            "bar": BAR_SECONDS,
            "runs": [wall for wall, _ in warm],
            "cpu_seconds": [cpu for _, cpu in warm],
            "cold_seconds": cold[0],
            "config": options.config,
        }
    )


if __name__ == "__main__":
    main()
