"""What a run writes about itself: metrics.jsonl, progress bars and run.json."""

from __future__ import annotations

import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib import metadata
from typing import Any

import jax
import tqdm

PACKAGES = (
    "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets", "grain",
    "scikit-learn", "scikit-image", "lime", "ml-collections", "numpy", "scipy", "pillow",
)  # fmt: skip


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes a file whole or not at all (temporary file beside it, then a rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be writing the same file of a shared cache.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes UTF-8 text whole or not at all, its line ends as they are.

    Names of files may hold bytes that are no UTF-8: they are written as \\udcXX.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes JSON whole or not at all; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_metrics(path: pathlib.Path) -> list[dict[str, Any]]:
    """Reads metrics.jsonl; a last line cut short by a kill is dropped."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


class MetricsLog:
    """Appends one JSON object a line to metrics.jsonl, flushed at once."""

    def __init__(self, path: pathlib.Path, *, resume_at: int = 0, counter: str = "step"):
        """Keeps the records with counter <= resume_at of an earlier, interrupted run."""
        kept = [record for record in read_metrics(path) if record[counter] <= resume_at]
        write_text(path, "".join(json.dumps(record) + "\n" for record in kept))
        self._path = path

    def write(self, **values: float) -> None:
        """Appends one record."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values, allow_nan=False) + "\n")


def progress(
    iterable: Iterable[Any] | None = None,
    *,
    description: str,
    total: int | None = None,
    initial: int = 0,
    unit: str = "it",
) -> tqdm.tqdm:
    """A progress bar on standard error with rate and time left; quieter if that is no terminal."""
    return tqdm.tqdm(
        iterable,
        desc=description,
        total=total,
        initial=initial,
        unit=unit,
        mininterval=0.2 if sys.stderr.isatty() else 30,
        dynamic_ncols=sys.stderr.isatty(),
    )


def files_progress(files: Iterable[Any], description: str) -> tqdm.tqdm:
    """Iterates over files with a bar that shows only where that takes longer than two seconds."""
    return tqdm.tqdm(files, desc=description, unit="file", delay=2.0, leave=False)


def peak_memory_mib() -> float:
    """Peak resident memory of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)


def _commit() -> str:
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


def describe_run() -> dict[str, Any]:
    """What this run is: command, commit, versions, devices and CPU, for run.json."""
    affinity = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return {
        "command": " ".join(sys.argv),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "devices": [f"{device.platform}:{device.device_kind}" for device in jax.local_devices()],
        "cpu": _cpu_model(),
        "cpu_affinity": affinity,
    }
