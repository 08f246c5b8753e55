"""Finished workdirs that are to be put together: what is read of them, and whether they fit."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from synthmed_jax import field_history
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.evaluation import records
from synthmed_jax.evaluation.predictions import Hits
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.record import Record
from synthmed_jax.workdir import Workdir

FRACTION = "split.fraction"
# What may differ between runs that are put together.
_FREE = (records.SEED, FRACTION)


@dataclasses.dataclass(frozen=True)
class Declared:
    """A difference that a run declares.

    Attributes:
      name: what is compared with what, the same in all runs.
      first, second: paths of the two cells, for `Hits.of_cells`.
      threshold: what the difference is to be above.
      estimate, low, high: as the run has it, of balanced accuracies.
      unit: "group" or "image".
    """

    name: str
    first: str
    second: str
    threshold: float
    estimate: float
    low: float
    high: float
    unit: str


@dataclasses.dataclass(frozen=True)
class Replicate:
    """What is read of a workdir.

    Attributes:
      root: the workdir, or the file of its record.
      fields: config field -> value, those that its results depend on.
      inputs: "<stage>: <name>" -> digest, or text, of what else they depend on.
      evaluation: what its networks score.
      declared: the differences.
      hits: of its networks on the test images.
      groups: i64[N] of the test images; None where images were not kept together.
    """

    root: pathlib.Path
    fields: dict[str, object]
    inputs: dict[str, str]
    evaluation: Evaluation
    declared: tuple[Declared, ...]
    hits: Hits
    groups: np.ndarray | None

    @property
    def seed(self) -> int:
        """config.seed."""
        seed = self.fields[records.SEED]
        assert isinstance(seed, int)
        return seed

    @property
    def fraction(self) -> float:
        """config.split.fraction."""
        fraction = self.fields[FRACTION]
        assert isinstance(fraction, int | float)
        return float(fraction)


def declared_differences(evaluation: Evaluation) -> tuple[Declared, ...]:
    """Returns the differences that a run declares: those of its estimands.

    They have the estimands' names alone: which network and arm stand for a side is chosen in each
    run, by validation.
    """
    return tuple(
        Declared(
            name=each.estimand,
            first=each.first.path,
            second=each.second.path,
            threshold=each.limit,
            estimate=each.difference.estimate,
            low=each.difference.low,
            high=each.difference.high,
            unit=each.unit,
        )
        for each in evaluation.declared
    )


def check_finished(root: pathlib.Path, named_by: str = "config.pool.workdirs") -> None:
    """Refuses a workdir whose results are not there yet.

    Args:
      named_by: the config field that names it, for the errors.

    Raises:
      UserError: naming the first stage that lacks.
    """
    if not root.is_dir():
        raise UserError(f"{named_by}: there is no folder {root}")
    for stage in records.CHAIN:
        marker = Marker.read_if_there(Workdir(root).marker(stage))
        if marker is None or marker.status != "finished":
            how = "has not begun" if marker is None else f"is {marker.status}, not finished"
            raise UserError(
                f"{named_by}: stage {stage!r} of {root} {how}: give the command of that "
                f"run (--workdir={root}) again, or leave it out"
            )


def replicate_of(root: pathlib.Path, record: Record) -> Replicate:
    """Returns what is put together of a run.

    Args:
      root: its workdir, or the file of its record.
      record: what it says.

    Raises:
      Damaged: its predictions are not those of its evaluation, or there is none.
    """
    evaluation = record.document(Evaluation, records.METRICS, root)
    if evaluation is None:
        raise Damaged(
            root, f"has no {records.METRICS}: give the command of that run again, which makes it"
        )
    declared = declared_differences(evaluation)
    hits = records.hits_of(record)
    compared = {cell for each in declared for cell in (each.first, each.second)}
    if not compared <= set(hits.of_cells) or len(hits.files) != evaluation.num_test:
        raise Damaged(root / records.PREDICTIONS, "is not of the evaluation beside it")
    groups = np.asarray(record.groups, np.int64) if record.groups else None
    return Replicate(root, record.fields, record.inputs, evaluation, declared, hits, groups)


def check_declared(replicates: Sequence[Replicate]) -> None:
    """Refuses runs that declare no difference.

    Raises:
      UserError: one was evaluated by an earlier version, or without a real arm.
    """
    for each in replicates:
        if not each.declared:
            raise UserError(
                f"{each.root / records.METRICS} compares no arms: the run needs the arm 'real', "
                "and an evaluation by this version (remove stages/evaluate.json there, and give "
                "its command again)"
            )


def check_comparable(replicates: Sequence[Replicate]) -> None:
    """Refuses runs that differ in more than the seed, or in nothing.

    Raises:
      UserError: naming the workdir, the field and both values.
    """
    first = replicates[0]
    known: dict[tuple[int, float], Replicate] = {}
    for each in replicates:
        other = known.setdefault((each.seed, each.fraction), each)
        if other is not each:
            raise UserError(
                f"config.pool.workdirs: {other.root} and {each.root} both have config.seed="
                f"{each.seed} and config.split.fraction={each.fraction}: leave one of them out"
            )
        _check_same(first, each)


def _check_same(first: Replicate, other: Replicate) -> None:
    for name in sorted({*first.fields, *other.fields} - {*_FREE}):
        default = field_history.ADDED.get(name)
        one, two = first.fields.get(name, default), other.fields.get(name, default)
        if one != two:
            raise UserError(
                f"config.pool.workdirs: {other.root} has config.{name}={two!r}, and {first.root} "
                f"{one!r}: runs that are put together differ in config.seed alone (or in "
                "config.split.fraction, for a curve)"
            )
    facts = (
        ("the data set", first.evaluation.dataset, other.evaluation.dataset),
        ("the classes", first.evaluation.class_names, other.evaluation.class_names),
        *(
            (name, first.inputs.get(name), other.inputs.get(name))
            for name in sorted({*first.inputs, *other.inputs})
        ),
        ("arms and networks", _arms(first), _arms(other)),
        ("differences", _thresholds(first), _thresholds(other)),
    )
    for name, one, two in facts:
        if one != two:
            raise UserError(
                f"config.pool.workdirs: {other.root} has another value of {name} ({two}) than "
                f"{first.root} ({one}): only runs of the same data and choices are put together"
            )


def _arms(replicate: Replicate) -> list[tuple[str, str]]:
    return sorted({(cell.backbone, cell.arm) for cell in replicate.evaluation.cells})


def _thresholds(replicate: Replicate) -> dict[str, float]:
    return {each.name: each.threshold for each in replicate.declared}
