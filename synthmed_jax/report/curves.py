"""Curves of training: loss and accuracy against the step or the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from synthmed_jax.data.counted import counted
from synthmed_jax.report.drawing import BLUE, INK, PALE, WIDTH, shorten, tidy
from synthmed_jax.report.files import Fold
from synthmed_jax.report.training_logs import EpochRecord, StepRecord
from synthmed_jax.results.cells import Cell


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """Returns the mean of each value and its neighbours, f64[N]; fewer of them at both ends.

    Args:
      values: N numbers.
      window: how many values a mean is of, an odd number.
    """
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float64))])
    middle = np.arange(len(values))
    # As many neighbours before as after, or the ends of a falling curve would be bent.
    reach = np.minimum(window // 2, np.minimum(middle, len(values) - 1 - middle))
    starts, ends = middle - reach, middle + reach + 1
    return (sums[ends] - sums[starts]) / (ends - starts)


def diffusion_curves(trainings: Mapping[str, Sequence[StepRecord]]) -> Figure:
    """Draws training loss (each record, and smoothed) and validation loss against the step.

    Args:
      trainings: class -> its model's log, a panel each, at least one; "" stands for one model of
        all classes.
    """
    figure = Figure(figsize=(WIDTH, 3.2 * len(trainings)), layout="constrained")
    panels = figure.subplots(len(trainings), squeeze=False)[:, 0]
    for axes, (name, records) in zip(panels, trainings.items(), strict=True):
        _diffusion_panel(axes, records)
        of = f" of {shorten(name, 24)}" if name else ""
        tidy(axes, f"Diffusion model{of}: loss (log scale)", "step")
    return figure


def _diffusion_panel(axes: Axes, records: Sequence[StepRecord]) -> None:
    train = [(record.step, record.loss) for record in records if record.loss is not None]
    val = [(record.step, record.val_loss) for record in records if record.val_loss is not None]
    if train:
        steps, losses = zip(*train, strict=True)
        window = 2 * (len(losses) // 40) + 1
        color, width = (PALE, 0.8) if window > 1 else (INK, 1.6)
        axes.plot(steps, losses, color=color, linewidth=width, label="train, as logged")
        if window > 1:
            label = f"train, mean of {window} records"
            axes.plot(steps, smooth(losses, window), color=INK, linewidth=1.6, label=label)
    if val:
        steps, losses = zip(*val, strict=True)
        axes.plot(steps, losses, "o--", color=BLUE, linewidth=1.2, markersize=4, label="val")
    # The first steps are ten times higher than the rest, where everything happens.
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(fontsize=8, frameon=False)


def classifier_curves(folds: Mapping[Cell, Sequence[Fold]]) -> Figure:
    """Draws loss and accuracy against the epoch: a row per cell, a thin line per training.

    Args:
      folds: cell -> its trainings; at least one cell.
    """
    figure = Figure(figsize=(WIDTH, 2.5 * len(folds)), layout="constrained")
    grid = figure.subplots(len(folds), 2, squeeze=False)
    for (loss, accuracy), (cell, trainings) in zip(grid, folds.items(), strict=True):
        logs = [fold.epochs for fold in trainings]
        _epochs(loss, logs, "loss")
        tidy(loss, f"{cell.path} ({counted(len(logs), 'training')}): loss", "epoch")
        loss.legend(fontsize=8, frameon=False)
        _epochs(accuracy, logs, "accuracy")
        tidy(accuracy, "accuracy", "epoch")
    return figure


def _epochs(axes: Axes, logs: Sequence[Sequence[EpochRecord]], quantity: str) -> None:
    """A line per training: a quantity of `EpochRecord`, on training and on validation images."""
    for part, colour, style in (("train", INK, "--"), ("val", BLUE, "-")):
        for fold, log in enumerate(logs):
            axes.plot(
                [record.epoch for record in log],
                [getattr(record, f"{part}_{quantity}") for record in log],
                style,
                color=colour,
                linewidth=0.9,
                marker="." if len(log) < 3 else None,
                label=part if fold == 0 else None,
            )
