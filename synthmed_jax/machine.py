"""What a run is and runs on: command, commit, versions, devices, CPU, memory."""

from __future__ import annotations

import functools
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys
import time
from importlib import metadata

from synthmed_jax import parallel
from synthmed_jax.results.run_info import DataFacts, RunInfo, StageRecord

PACKAGES = (
    "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets", "grain",
    "scikit-learn", "scikit-image", "lime", "ml-collections", "numpy", "scipy", "pillow",
)  # fmt: skip

_MEMINFO = pathlib.Path("/proc/meminfo")
_CGROUP = pathlib.Path("/sys/fs/cgroup/memory.max")


def peak_memory_mib() -> float:
    """Peak resident memory of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)


def available_memory() -> int | None:
    """Bytes that a computation can have: of the first device, or of this machine; None: unknown."""
    stats = parallel.devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    limits = []
    if _MEMINFO.exists():
        found = re.search(r"^MemAvailable: +(\d+) kB$", _MEMINFO.read_text(), re.MULTILINE)
        limits += [1024 * int(found[1])] if found else []
    if _CGROUP.exists():
        limit = _CGROUP.read_text().strip()
        limits += [int(limit)] if limit.isdigit() else []  # "max": none
    return min(limits, default=None)


@functools.cache  # the program that runs is the one that was read when it began
def commit() -> str:
    """The program's commit, or why it is not known."""
    root = pathlib.Path(__file__).parent
    try:
        run = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"
    return run.stdout.strip()


def _cpu_model() -> str:
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe_run(
    *, seeds: dict[str, int], data: DataFacts, stages: dict[str, StageRecord]
) -> RunInfo:
    """What this run is: command, commit, versions, devices and CPU, and what the caller adds."""
    affinity = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else None
    return RunInfo(
        command=" ".join(sys.argv),
        started=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        commit=commit(),
        python=platform.python_version(),
        versions={name: metadata.version(name) for name in PACKAGES},
        devices=tuple(f"{d.platform}:{d.device_kind}" for d in parallel.devices_of_all_hosts()),
        cpu=_cpu_model(),
        cpu_affinity=affinity,
        seeds=seeds,
        data=data,
        stages=stages,
    )
