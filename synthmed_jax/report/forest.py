"""Pictures of runs under several seeds: a forest plot of differences, scores by real images."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthmed_jax.report.drawing import BLUE, INK, MARKERS, RULE, WIDTH, tidy
from synthmed_jax.report.formats import signed
from synthmed_jax.results.pool import CurvePoint, PooledDifference, SeedDifference

_GREY = "#777777"
_ROW = 0.26  # inches


def forest(differences: Sequence[PooledDifference], headings: Sequence[str]) -> Figure:
    """Draws each difference in a panel: a row per seed, and a diamond for all that count.

    Seeds of the development are hollow and grey, and the diamond is hollow where seeds are too few
    for a claim. The solid line is 0, the dashed one what the difference is to be above.

    Args:
      differences: at least one.
      headings: of the panels.
    """
    rows = [len(each.of_seeds) + (each.pooled is not None) for each in differences]
    figure = Figure(
        figsize=(WIDTH, 0.5 + sum(0.55 + _ROW * each for each in rows)), layout="constrained"
    )
    panels = figure.subplots(
        len(differences), 1, sharex=True, squeeze=False, height_ratios=[1 + each for each in rows]
    )
    for axes, each, heading in zip(panels[:, 0], differences, headings, strict=True):
        _panel(axes, each)
        tidy(axes, heading, "")
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
    panels[-1, 0].set_xlabel("difference of balanced accuracy, percentage points", fontsize=9)
    return figure


def _panel(axes: Axes, difference: PooledDifference) -> None:
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axvline(100 * difference.threshold, color=_GREY, linestyle="--", linewidth=1)
    names = []
    for y, each in enumerate(difference.of_seeds):
        color = _GREY if each.is_development else INK
        fill = "white" if each.is_development else color
        axes.plot([100 * each.low, 100 * each.high], [y, y], color=color, linewidth=1.4)
        axes.plot(
            [100 * each.estimate], [y], "s", color=color, markerfacecolor=fill, markersize=5.5
        )
        _numbers(axes, y, each.estimate, each.low, each.high, color)
        names.append(_name(each))
    if difference.pooled is not None:
        y, pooled = len(names), difference.pooled
        low, middle, high = (100 * x for x in (pooled.low, pooled.estimate, pooled.high))
        axes.fill(
            [low, middle, high, middle],
            [y, y - 0.3, y, y + 0.3],
            facecolor="white" if difference.is_shown is None else BLUE,
            edgecolor=BLUE,
        )
        _numbers(axes, y, pooled.estimate, pooled.low, pooled.high, BLUE)
        names.append(f"{pooled.num_seeds} seeds together")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _name(each: SeedDifference) -> str:
    return f"seed {each.seed}" + (" (development)" if each.is_development else "")


def _numbers(axes: Axes, y: int, estimate: float, low: float, high: float, color: str) -> None:
    axes.annotate(
        f"{signed(estimate)} ({signed(low)} to {signed(high)})",
        (1.01, y),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        color=color,
        annotation_clip=False,
    )


def score_curve(points: Sequence[CurvePoint]) -> Figure:
    """Draws balanced accuracy by share of real images: a line per arm, and a dot per seed."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    for marker, arm in zip(MARKERS, dict.fromkeys(point.arm for point in points), strict=False):
        of_arm = [point for point in points if point.arm == arm]
        line = axes.plot(
            [100 * point.fraction for point in of_arm],
            [100 * point.mean for point in of_arm],
            marker=marker,
            linewidth=1.4,
            label=arm,
        )
        for point in of_arm:
            axes.plot(
                [100 * point.fraction] * len(point.scores),
                [100 * score for score in point.scores],
                ".",
                color=line[0].get_color(),
                alpha=0.5,
            )
    axes.set_xticks(sorted({100 * point.fraction for point in points}))
    tidy(axes, "", "real images that are fit and val, % of each class")
    axes.set_ylabel("balanced accuracy, %", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return figure
