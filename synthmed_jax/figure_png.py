"""Matplotlib figures as PNG bytes.

Matplotlib's Figure is used by itself: pyplot keeps global state and may look for a display.
"""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def to_png(figure: Figure, *, dpi: float | None = None, margin: float | None = None) -> bytes:
    """Returns the figure as a PNG; the same figure always gives the same bytes.

    Args:
      dpi: pixels per inch; None: the figure's own.
      margin: inches that are left around what is drawn, the rest of the figure is cut off; None:
        the figure keeps its size.
    """
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    # Without the library's name and version, which would change the bytes with every update.
    figure.savefig(
        buffer,
        format="png",
        dpi=dpi or "figure",
        bbox_inches=None if margin is None else "tight",
        pad_inches=margin or 0.0,
        metadata={"Software": None},
    )
    return buffer.getvalue()
