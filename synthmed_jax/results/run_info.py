"""run.json: the command, the machine, and what each stage took."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class StageRecord:
    """What one stage took.

    Attributes:
      status: "finished" or "stopped".
      seconds: over all runs of it.
      peak_memory_mib: of the process until its end.
      expected_seconds: what was said before its last run.
      commits: of the program, in the order of its runs; none where an earlier version wrote this.
    """

    status: str
    seconds: float
    peak_memory_mib: float
    expected_seconds: float | None = None
    commits: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """The data set: name, sha256 of its content, number of images, files left out."""

    name: str
    hash: str
    num_images: int
    unreadable: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class RunInfo(Stored):
    """run.json, of the last run in the workdir.

    Attributes:
      command: as it was given.
      started: local time, ISO 8601.
      commit: of the program in the last command, or why it is not known.
      python: its version.
      versions: package -> version.
      devices: JAX's, "platform:kind" each.
      cpu: the model's name.
      cpu_affinity: cores that the process may use; None where the system does not say.
      seeds: config field -> seed.
      data: what was read.
      stages: what each took.
    """

    command: str
    started: str
    commit: str
    python: str
    versions: dict[str, str]
    devices: tuple[str, ...]
    cpu: str
    cpu_affinity: tuple[int, ...] | None
    seeds: dict[str, int]
    data: DataFacts
    stages: dict[str, StageRecord]
