"""metrics.jsonl of both kinds of training, typed: what the report draws curves of."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TypeVar

from synthmed_jax.metrics_log import Record, read_metrics
from synthmed_jax.results.stored import structure


@dataclasses.dataclass(frozen=True)
class StepRecord:
    """A line of a diffusion model's log: training since the line before, or a validation.

    Attributes:
      step: optimiser steps so far.
      loss: mean training loss; None in a line of validation.
      images_per_second, seconds: of training; None in a line of validation.
      val_loss: of the best moving average of the weights; None in a line of training, as all below.
      half_life: of that average, steps.
      val_losses: of every average.
      val_loss_by_level: the best average's, per level of noise.
      nearness: see `GeneratorEnd`; None as well where it was not measured.
    """

    step: int
    loss: float | None = None
    images_per_second: float | None = None
    seconds: float | None = None
    val_loss: float | None = None
    half_life: int | None = None
    val_losses: tuple[float, ...] | None = None
    val_loss_by_level: tuple[float, ...] | None = None
    nearness: float | None = None


@dataclasses.dataclass(frozen=True)
class EpochRecord:
    """A line of a classifier's log: losses in nats, accuracies as shares; epochs count from 1."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float


def read_steps(path: pathlib.Path) -> tuple[StepRecord, ...]:
    """Reads a diffusion model's log; raises UserError for a line without its fields."""
    return tuple(_known(record, StepRecord, path) for record in read_metrics(path))


def read_epochs(path: pathlib.Path) -> tuple[EpochRecord, ...]:
    """Reads a classifier's log; raises UserError for a line without its fields."""
    return tuple(_known(record, EpochRecord, path) for record in read_metrics(path))


K = TypeVar("K", StepRecord, EpochRecord)


def _known(record: Record, kind: type[K], path: pathlib.Path) -> K:
    """A line as a dataclass. What else a training has logged is no part of the report."""
    names = {field.name for field in dataclasses.fields(kind)}
    return structure({k: v for k, v in record.items() if k in names}, kind, str(path))
