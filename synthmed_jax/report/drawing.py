"""What all pictures of the report share: their colours, their axes, and the way to PNG."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthmed_jax import figure_png

DPI = 130
WIDTH = 8.6  # Inches; the page shows it at about its full width.
INK, BLUE, PALE, RULE = "#1a1a1a", "#1f5a8c", "#b9c4cf", "#e4e4e4"
MARKERS = "osD^vPX"  # with line styles they tell apart what colours alone would not


def to_png(figure: Figure) -> bytes:
    """Returns the figure as a PNG, cut to what is drawn."""
    return figure_png.to_png(figure, dpi=DPI, margin=0.05)


def tidy(axes: Axes, title: str, xlabel: str) -> None:
    """Gives a chart its title, the name of its x axis, and a plain look."""
    # A class's name may look like mathematics, and is none.
    axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    axes.set_xlabel(xlabel, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def shorten(name: str, length: int = 16) -> str:
    """Returns the name, cut in the middle when it is longer than `length` characters."""
    if len(name) <= length:
        return name
    head = (length - 1) // 2
    return f"{name[:head]}\N{HORIZONTAL ELLIPSIS}{name[-(length - 1 - head) :]}"
