"""compare/compare.json: finished runs side by side, as each has its numbers."""

from __future__ import annotations

import dataclasses

from synthmed_jax.report.card import Card
from synthmed_jax.results.audit import Comparison
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.floors import Floor
from synthmed_jax.results.run_info import RunInfo
from synthmed_jax.results.split import PartCounts
from synthmed_jax.results.stored import Stored
from synthmed_jax.statistics.intervals import Interval


@dataclasses.dataclass(frozen=True)
class ArmScore(Cell):
    """The cell that stands for an arm: its best one by validation.

    Attributes:
      trainings: that the numbers are means of.
      accuracy: mean on the test images, share of 1.
      interval: of it.
      balanced_accuracy: likewise, mean over the classes.
    """

    trainings: int
    accuracy: float
    interval: Interval
    balanced_accuracy: float


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """One of the runs.

    Attributes:
      name: what tells it from the others: as many last parts of its path as that takes.
      workdir: its path, as it was given.
      dataset: name of its data set.
      scale: its preset.
      seed: its config.seed.
      data_hash: sha256 of the data set's content, hexadecimal.
      test_hash: sha256 of the data set's content and of which files are tested, hexadecimal; None
        where the run has no list of them.
      num_test: real test images.
      counts: class -> numbers of images.
      answers: question -> what the run says to it, as in its report.json.
      arms: a score per arm.
      floors: what simple means score; none where a version did not measure it.
      nearness: median distance of synthetic images to their nearest `fit` image over that of `val`
        images; None where it was not measured.
      fidelity: measures of the audit over all classes together; none where it has not run.
      info: run.json; None where there is none.
    """

    name: str
    workdir: str
    dataset: str
    scale: str
    seed: int
    data_hash: str
    test_hash: str | None
    num_test: int
    counts: dict[str, PartCounts]
    answers: dict[str, Card]
    arms: tuple[ArmScore, ...]
    floors: tuple[Floor, ...]
    nearness: float | None
    fidelity: tuple[Comparison, ...]
    info: RunInfo | None


@dataclasses.dataclass(frozen=True)
class DifferingField:
    """A config field in which the runs differ.

    Attributes:
      name: of the field.
      values: name of a run -> its value; a run of a version without the field is not there.
    """

    name: str
    values: dict[str, object]


@dataclasses.dataclass(frozen=True)
class SideBySide(Stored):
    """compare/compare.json.

    Attributes:
      runs: in the order in which they were given.
      fields: config fields in which they differ, by name.
      same_data: whether all have the same images under the same classes.
      same_test: whether all are tested on the same images; None where that is not known.
      seeds_alone: whether they have the same data and differ in config.seed and in nothing else
        that results depend on.
    """

    runs: tuple[ComparedRun, ...]
    fields: tuple[DifferingField, ...]
    same_data: bool
    same_test: bool | None
    seeds_alone: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The runs' names."""
        return tuple(run.name for run in self.runs)
