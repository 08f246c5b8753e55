"""Charts of training and of results, as PNG bytes; line styles and markers, not colours, tell."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from synthmed_jax.report.figures import shorten, to_png
from synthmed_jax.report.files import Fold
from synthmed_jax.results.sweep import SweepRow

INK, BLUE, PALE = "#1a1a1a", "#1f5a8c", "#b9c4cf"
MARKERS = "osD^vPX"
WIDTH = 8.6  # Inches; the page shows it at about its full width.


def _tidy(axes: Axes, title: str, xlabel: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    axes.set_xlabel(xlabel, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)


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


def diffusion_curves(trainings: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """Returns training loss (each record, and smoothed) and validation loss against the step.

    Args:
      trainings: class -> records of a metrics.jsonl, with "step" and "loss" or "val_loss"; a panel
        each. At least one; "" stands for one model of all classes.
    """
    figure = Figure(figsize=(WIDTH, 3.2 * len(trainings)), layout="constrained")
    panels = figure.subplots(len(trainings), squeeze=False)[:, 0]
    for axes, (name, records) in zip(panels, trainings.items(), strict=True):
        _diffusion_panel(axes, records)
        of = f" of {shorten(name, 24)}" if name else ""
        _tidy(axes, f"Diffusion model{of}: loss (log scale)", "step")
    return to_png(figure)


def _diffusion_panel(axes: Axes, records: Sequence[Mapping[str, Any]]) -> None:
    train = [(r["step"], r["loss"]) for r in records if "loss" in r]
    val = [(r["step"], r["val_loss"]) for r in records if "val_loss" in r]
    if train:
        steps, losses = zip(*train, strict=True)
        window = 2 * (len(losses) // 40) + 1
        axes.plot(steps, losses, color=PALE, linewidth=0.8, label="train, as logged")
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


def classifier_curves(folds: Mapping[str, Sequence[Fold]]) -> bytes:
    """Returns loss and accuracy against the epoch, a row a cell, a thin line a fold.

    Args:
      folds: cell ("<backbone>/<arm>/<cell>") -> its trainings; at least one cell.
    """
    figure = Figure(figsize=(WIDTH, 2.5 * len(folds)), layout="constrained")
    grid = figure.subplots(len(folds), 2, squeeze=False)
    for row, (cell, trainings) in zip(grid, folds.items(), strict=True):
        title = f"{cell} ({len(trainings)} folds)"
        for axes, quantity in zip(row, ("loss", "accuracy"), strict=True):
            for part, colour, style in (("train", INK, "--"), ("val", BLUE, "-")):
                for k, fold in enumerate(trainings):
                    axes.plot(
                        [record["epoch"] for record in fold.epochs],
                        [record[f"{part}_{quantity}"] for record in fold.epochs],
                        style,
                        color=colour,
                        linewidth=0.9,
                        marker="." if len(fold.epochs) < 3 else None,
                        label=part if k == 0 else None,
                    )
            _tidy(axes, f"{title}: {quantity}" if quantity == "loss" else quantity, "epoch")
        row[0].legend(fontsize=8, frameon=False)
    return to_png(figure)


def accuracy_intervals(cells: Sequence[Mapping[str, Any]], chance: float) -> bytes:
    """Returns test accuracy of every cell: mean with its interval, and each fold as a tick.

    Args:
      cells: of evaluate/metrics.json, at least one.
      chance: accuracy of guessing, in [0, 1].
    """
    figure = Figure(figsize=(WIDTH, 0.9 + 0.42 * len(cells)), layout="constrained")
    axes = figure.subplots()
    arms = list(dict.fromkeys(cell["arm"] for cell in cells))
    for y, cell in enumerate(cells):
        interval = cell["accuracy_interval"]
        low, high = 100 * interval["low"], 100 * interval["high"]
        folds = [100 * fold["test_accuracy"] for fold in cell["folds"]]
        axes.plot(folds, [y - 0.25] * len(folds), "|", color=BLUE, markersize=7, markeredgewidth=1)
        axes.plot([low, high], [y, y], color=INK, linewidth=1.6, solid_capstyle="butt")
        mean = 100 * cell["mean"]["test_accuracy"]
        marker = MARKERS[arms.index(cell["arm"]) % len(MARKERS)]
        axes.plot([mean], [y], marker, color=INK, markersize=7)
    axes.axvline(100 * chance, color="#777777", linestyle=":", linewidth=1.2)
    axes.text(100 * chance, -0.55, " guessing", fontsize=8, color="#555555", va="bottom", ha="left")
    axes.set_yticks(range(len(cells)), [f"{c['backbone']}, {c['arm']}, n {c['n']}" for c in cells])
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    _tidy(axes, "", "accuracy on the real test images, %")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
    return to_png(figure)


def confusion_matrices(
    matrices: Mapping[str, np.ndarray], class_names: Sequence[str], columns: int = 2
) -> bytes:
    """Returns a panel a matrix: counts, shaded by the share of the true class (the row).

    Args:
      matrices: title -> i64[K,K], rows the true class; at least one.
      class_names: the K classes.
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
        share = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
        axes.imshow(share, cmap="Greys", vmin=0, vmax=1)
        # More classes leave no room for numbers; the shade remains.
        counts = np.ndenumerate(matrix) if len(names) <= 12 else ()
        for (i, j), count in counts:
            ink = "white" if share[i, j] > 0.5 else INK
            text = f"{count}\n{100 * share[i, j]:.0f}%"
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=ink)
        _tidy(axes, title, "predicted")
        axes.grid(visible=False)
        axes.set_ylabel("true", fontsize=9)
        ticks = range(len(names))
        axes.set_xticks(ticks, names, rotation=30, ha="right", parse_math=False)
        axes.set_yticks(ticks, names, parse_math=False)
    return to_png(figure)


def sweep(rows: Sequence[SweepRow]) -> bytes:
    """Returns Frechet distance against images per second: lower and further right is better.

    Args:
      rows: of sweep/sweep.json; one line per sampler, one point per number of steps.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    for marker, sampler in zip(MARKERS, dict.fromkeys(r.sampler for r in rows), strict=False):
        own = sorted((r for r in rows if r.sampler == sampler), key=lambda r: r.steps)
        rates = [row.images_per_second for row in own]
        means = [float(np.mean(row.distances)) for row in own]
        spreads = [float(np.std(row.distances, ddof=1)) for row in own]
        axes.errorbar(rates, means, spreads, marker=marker, capsize=3, linewidth=1.2, label=sampler)
        for row, x, y in zip(own, rates, means, strict=True):
            text = f"{row.steps}"
            axes.annotate(text, (x, y), (4, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    _tidy(axes, "", "images a second")
    axes.set_ylabel("Frechet distance to fit and val", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return to_png(figure)
