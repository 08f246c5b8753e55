"""A picture of what came about during training: three curves over the step."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthmed_jax import figure_png
from synthmed_jax.results.memorisation import Rate
from synthmed_jax.results.over_training import OverTraining

_DPI = 130
_COLOUR, _GUIDE = "#1f5a8c", "#9aa5b1"


def draw(found: OverTraining) -> bytes:
    """Draws a PNG; there is at least one point."""
    figure = Figure(figsize=(5.2, 6.0), layout="constrained")
    losses, flagged, area = figure.subplots(3, sharex=True)
    steps = [point.step for point in found.points]
    for axes, label in (
        (losses, "loss on val"),
        (flagged, "flagged as copies, %"),
        (area, "AUROC, attack by loss"),
    ):
        axes.set_ylabel(label, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        for step in sorted(set(found.chosen)):
            axes.axvline(step, color=_GUIDE, linewidth=1)
    _curve(losses, steps, [None if p.val_loss is None else (p.val_loss,) * 3 for p in found.points])
    _curve(flagged, steps, [_in_percent(p.flagged) for p in found.points])
    areas = [p.area for p in found.points]
    _curve(area, steps, [None if a is None else (a.value, a.low, a.high) for a in areas])
    if found.false_alarms is not None:
        flagged.axhline(100 * found.false_alarms.share, color=_GUIDE, linestyle="--", linewidth=1)
    area.axhline(0.5, color=_GUIDE, linestyle="--", linewidth=1)
    area.set_xlabel("step of training", fontsize=9)
    return figure_png.to_png(figure, dpi=_DPI, margin=0.05)


def _in_percent(rate: Rate | None) -> tuple[float, float, float] | None:
    return None if rate is None else (100 * rate.share, 100 * rate.low, 100 * rate.high)


def _curve(
    axes: Axes, steps: Sequence[int], values: Sequence[tuple[float, float, float] | None]
) -> None:
    """Draws those that there are: value, and ends of its interval."""
    known = [(step, *value) for step, value in zip(steps, values, strict=True) if value is not None]
    if not known:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", fontsize=8)
        return
    at, middle, low, high = zip(*known, strict=True)
    axes.fill_between(at, low, high, color=_COLOUR, alpha=0.2, linewidth=0)
    axes.plot(at, middle, color=_COLOUR, marker="o", markersize=3, linewidth=1.2)
