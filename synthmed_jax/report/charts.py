"""Charts of results; line styles and markers, not colours, tell things apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthmed_jax.report.drawing import BLUE, INK, MARKERS, RULE, WIDTH, shorten, tidy
from synthmed_jax.report.formats import short_name
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.sweep import SweepRow


def accuracy_intervals(cells: Sequence[CellScores], chance: float) -> Figure:
    """Draws the test accuracy of every cell: mean with its interval, and each training as a tick.

    Args:
      cells: at least one, from top to bottom; each arm has a marker of its own.
      chance: accuracy of guessing, in [0, 1].
    """
    figure = Figure(figsize=(WIDTH, 0.9 + 0.42 * len(cells)), layout="constrained")
    axes = figure.subplots()
    arms = list(dict.fromkeys(cell.arm for cell in cells))
    for y, cell in enumerate(cells):
        low, high = 100 * cell.accuracy_interval.low, 100 * cell.accuracy_interval.high
        folds = [100 * fold.test_accuracy for fold in cell.folds]
        axes.plot(folds, [y - 0.25] * len(folds), "|", color=BLUE, markersize=7, markeredgewidth=1)
        axes.plot([low, high], [y, y], color=INK, linewidth=1.6, solid_capstyle="butt")
        marker = MARKERS[arms.index(cell.arm) % len(MARKERS)]
        axes.plot([100 * cell.mean.test_accuracy], [y], marker, color=INK, markersize=7)
    axes.axvline(100 * chance, color="#777777", linestyle=":", linewidth=1.2)
    axes.text(100 * chance, -0.55, " guessing", fontsize=8, color="#555555", va="bottom", ha="left")
    names = [short_name(cell) for cell in cells]
    axes.set_yticks(range(len(cells)), names)
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    tidy(axes, "", "accuracy on the real test images, %")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    return figure


def by_amount(cells: Sequence[CellScores], levels: Mapping[str, float], chance: float) -> Figure:
    """Draws balanced accuracy against the number of training images per class.

    Args:
      cells: of one arm and network, of two numbers of images or more.
      levels: name -> balanced accuracy that stands beside them, in [0, 1].
      chance: balanced accuracy of guessing, in [0, 1].
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    ordered = sorted(cells, key=images_per_class)
    numbers = [images_per_class(cell) for cell in ordered]
    for number, cell in zip(numbers, ordered, strict=True):
        trainings = [100 * training.balanced_accuracy for training in cell.folds]
        axes.plot([number] * len(trainings), trainings, "_", color=BLUE, markersize=8)
    means = [100 * cell.mean.balanced_accuracy for cell in ordered]
    axes.plot(numbers, means, "o-", color=INK, markersize=6, linewidth=1.2, label=cells[0].arm)
    for style, (name, level) in zip(("--", "-.", ":"), levels.items(), strict=False):
        axes.axhline(100 * level, color=INK, linestyle=style, linewidth=1.2, label=name)
    axes.axhline(100 * chance, color="#777777", linewidth=0.8, label="guessing")
    axes.set_xscale("log")
    axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
    axes.minorticks_off()
    tidy(axes, "", "synthetic images per class")
    axes.set_ylabel("balanced accuracy, %", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return figure


def images_per_class(cell: Cell) -> float:
    """Mean number of training images per class of a cell that names it."""
    return float(np.mean(cell.n if cell.n is not None else np.nan))


def confusion_matrices(
    matrices: Mapping[str, np.ndarray], class_names: Sequence[str], columns: int = 2
) -> Figure:
    """Draws a panel per matrix: counts, shaded by the share of the true class (the row).

    Args:
      matrices: title -> i64[K,K], rows the true class; at least one.
      class_names: the K classes.
      columns: panels side by side.
    """
    columns = min(columns, len(matrices))
    rows = -(-len(matrices) // columns)
    side = min(WIDTH / 2, 1.7 + 0.62 * len(class_names))
    figure = Figure(figsize=(side * columns, (side + 0.1) * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(matrices) :]:
        axes.set_axis_off()
    names = [shorten(name, 12) for name in class_names]
    for axes, (title, matrix) in zip(grid.flat, matrices.items(), strict=False):
        _confusion_panel(axes, matrix, names)
        tidy(axes, title, "predicted")
        axes.grid(visible=False)
    return figure


def _confusion_panel(axes: Axes, matrix: np.ndarray, names: Sequence[str]) -> None:
    share = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    axes.imshow(share, cmap="Greys", vmin=0, vmax=1)
    # More classes leave no room for numbers; the shade remains.
    counts = np.ndenumerate(matrix) if len(names) <= 12 else ()
    for (i, j), count in counts:
        ink = "white" if share[i, j] > 0.5 else INK
        text = f"{count}\n{100 * share[i, j]:.0f}%"
        axes.text(j, i, text, ha="center", va="center", fontsize=8, color=ink)
    axes.set_ylabel("true", fontsize=9)
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=30, ha="right", parse_math=False)
    axes.set_yticks(ticks, names, parse_math=False)


def sweep(rows: Sequence[SweepRow]) -> Figure:
    """Draws distance to real images against images per second: lower and further right is better.

    Args:
      rows: of sweep/sweep.json; a line per sampler, a point for each number of steps.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    samplers = dict.fromkeys(row.sampler for row in rows)
    for marker, sampler in zip(MARKERS, samplers, strict=False):
        of_sampler = sorted((r for r in rows if r.sampler == sampler), key=lambda r: r.steps)
        rates = [row.images_per_second for row in of_sampler]
        means = [float(np.mean(row.distances)) for row in of_sampler]
        spreads = [float(np.std(row.distances, ddof=1)) for row in of_sampler]
        axes.errorbar(rates, means, spreads, marker=marker, capsize=3, linewidth=1.2, label=sampler)
        for row, x, y in zip(of_sampler, rates, means, strict=True):
            axes.annotate(f"{row.steps}", (x, y), (4, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    tidy(axes, "", "images per second")
    axes.set_ylabel("kernel distance to val", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return figure
