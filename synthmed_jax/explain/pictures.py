"""Pictures of explanations: an image, the weights of its regions, its strongest regions.

Red and blue say for and against; so do the signs on the strongest regions, for eyes and printers
that know only grey.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from synthmed_jax.explain.lime import Explanation
from synthmed_jax.explain.precision import LEAST, strongest
from synthmed_jax.explain.scores import middle

PANEL = 1.75  # side of one panel, inches
DPI = 110
COLOURS = "RdBu_r"


@dataclasses.dataclass(frozen=True)
class Entry:
    """One explained image of a page.

    Attributes:
      explanation: of the image.
      title: a line or two above it.
    """

    explanation: Explanation
    title: str


def heat_map(explanation: Explanation) -> np.ndarray:
    """f64[S,S]: every pixel's weight for the explained class."""
    return explanation.label_weights[explanation.view.segments]


def speaking_for(explanation: Explanation) -> np.ndarray:
    """bool[S,S]: the regions that speak loudest for the explained class."""
    weights = explanation.label_weights
    loud = strongest(np.maximum(weights, 0))
    if loud:
        loud = [region for region in loud if weights[region] >= LEAST * np.abs(weights).max()]
    return np.isin(explanation.view.segments, loud)


def draw_page(
    heading: str, entries: Sequence[Sequence[Entry | None]], column_titles: Sequence[str]
) -> Figure:
    """Draws explained images in rows and columns, each on a scale of its own.

    One scale for all would leave the images that a network is sure of blank: hiding one region
    hardly changes its answer. The largest weight of each stands in its title.

    Args:
      heading: of the page.
      entries: rows of as many entries as there are column titles; None leaves a gap.
      column_titles: e.g. real and synthetic.
    """
    rows, columns = len(entries), len(column_titles)
    widths = ([1.0, 1.0, 1.0, 0.15] * columns)[:-1]
    size = (PANEL * sum(widths) + 1.2, (PANEL + 0.3) * rows + 0.7)
    figure = Figure(figsize=size, dpi=DPI, layout=ConstrainedLayoutEngine(hspace=0.12))
    figure.suptitle(heading, fontsize=12, parse_math=False)
    grid = figure.subplots(rows, len(widths), squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.set_axis_off()
    colours = Normalize(-1, 1)
    for i, row in enumerate(entries):
        for j, (entry, name) in enumerate(zip(row, column_titles, strict=True)):
            panels = list(grid[i, 4 * j : 4 * j + 3])
            _write_title(panels[0], f"{name}, {_describe(entry)}")
            if entry:
                _draw_entry(panels, entry.explanation, colours)
    bar = figure.colorbar(
        ScalarMappable(colours, COLOURS), ax=grid, shrink=0.7, aspect=30, pad=0.01
    )
    bar.set_label("weight for the predicted class,\nover the image's largest", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def _describe(entry: Entry | None) -> str:
    if entry is None:
        return "none"
    text = f"{entry.title}, weights to {np.abs(entry.explanation.label_weights).max():.2g}"
    # On a line of its own: a title is nearly as long as its panels are wide.
    return (
        f"{text}\nHow sure these weights are is not known" if entry.explanation.is_unsure else text
    )


def _write_title(axes: Axes, text: str) -> None:
    title = axes.text(0, 1.03, text, transform=axes.transAxes, fontsize=8, parse_math=False)
    # It reaches over all three panels: the layout would widen the first to hold it, and does so
    # for an axes' own title even where that is told to keep out.
    title.set_in_layout(False)


def _draw_entry(panels: Sequence[Axes], explanation: Explanation, colours: Normalize) -> None:
    plain, heat, outlined = panels
    weights, segments = explanation.label_weights, explanation.view.segments
    picture = to_display(explanation.view.image)
    plain.imshow(picture, interpolation="nearest")
    limit = float(np.abs(weights).max()) or 1.0
    heat.imshow(heat_map(explanation) / limit, cmap=COLOURS, norm=colours, interpolation="nearest")
    for region in strongest(weights):
        row, column = middle(segments == region)
        colour = "white" if abs(weights[region]) > 0.6 * limit else "black"
        sign = "+" if weights[region] > 0 else "\N{MINUS SIGN}"
        heat.text(column, row, sign, color=colour, ha="center", va="center", fontsize=11)
    mask = speaking_for(explanation)
    outlined.imshow(np.where(mask[..., None], picture, picture * 0.5), interpolation="nearest")
    if mask.any():
        _outline(outlined, mask)


def to_display(image: np.ndarray) -> np.ndarray:
    """f32[S,S,3] in [0, 1] from u8 or f32 of any range, grey or RGB."""
    low, high = (0, 255) if image.dtype == np.uint8 else (image.min(), image.max())
    scaled = (image.astype(np.float32) - low) / max(float(high) - float(low), 1e-12)
    return np.broadcast_to(scaled, (*image.shape[:2], 3))


def _outline(axes: Axes, mask: np.ndarray) -> None:
    """Draws the pixel edges of the mask."""
    padded = np.pad(mask, 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    along_rows = axes.hlines(rows - 0.5, columns - 0.5, columns + 0.5)
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    along_columns = axes.vlines(columns - 0.5, rows - 0.5, rows + 0.5)
    for lines in (along_rows, along_columns):
        lines.set(color="gold", linewidth=1.4, capstyle="projecting")
