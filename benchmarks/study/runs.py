"""Reads records of runs, design by design."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from typing import TypeVar

from configs import base
from synthmed_jax.evaluation import pool, replicates
from synthmed_jax.evaluation.replicates import Replicate
from synthmed_jax.results.pool import Pool
from synthmed_jax.results.record import Record
from synthmed_jax.results.stored import Stored

Kind = TypeVar("Kind", bound=Stored)
DEVELOPMENT = frozenset(base.WATCHED_SEEDS)


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: its record's file, the record, and what is pooled of it."""

    path: pathlib.Path
    record: Record
    replicate: Replicate

    def document(self, kind: type[Kind], name: str) -> Kind | None:
        """Returns a typed file of the run by its path below the workdir; None: it has none."""
        return self.record.document(kind, name, self.path)


@dataclasses.dataclass(frozen=True)
class Design:
    """Runs that differ in their seed alone.

    Attributes:
      dataset: its name.
      name: of the design, of its folder.
      runs: by seed; at least one.
    """

    dataset: str
    name: str
    runs: tuple[Run, ...]

    @property
    def field(self) -> dict[str, object]:
        """Config field -> value, which all runs share but for seeds."""
        return self.runs[0].record.fields

    @property
    def counted(self) -> list[Run]:
        """The runs of seeds that were not watched, which alone are part of a claim."""
        return [run for run in self.runs if run.replicate.seed not in DEVELOPMENT]

    @functools.cached_property
    def pooled(self) -> Pool:
        """The runs together."""
        return pool.pool_replicates([run.replicate for run in self.runs], DEVELOPMENT)


def read_designs(folder: pathlib.Path) -> list[Design]:
    """Returns the designs below a folder, by data set and name.

    Raises:
      UserError: runs of one design are not comparable, or a record can't be read.
    """
    return [_read_design(each) for each in sorted(folder.glob("*/*")) if any(each.glob("*.json"))]


def _read_design(folder: pathlib.Path) -> Design:
    runs = []
    for path in folder.glob("*.json"):
        record = Record.read(path)
        runs.append(Run(path, record, replicates.replicate_of(path, record)))
    runs.sort(key=lambda run: run.replicate.seed)
    replicates.check_comparable([run.replicate for run in runs])
    return Design(folder.parent.name, folder.name, tuple(runs))
