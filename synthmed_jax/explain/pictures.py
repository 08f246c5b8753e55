"""Pictures of explanations: the image, the weight of each region, and the strongest regions."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from synthmed_jax.explain.lime import Explanation


def heat_map(explanation: Explanation) -> np.ndarray:
    """f64[S,S]: every pixel's weight for the explained class."""
    regions, weights = zip(*explanation.weights[explanation.label], strict=True)
    values = np.zeros(explanation.segments.max() + 1)
    values[list(regions)] = weights
    return values[explanation.segments]


def top_regions(explanation: Explanation, count: int) -> np.ndarray:
    """bool[S,S]: the regions, at most `count`, that speak loudest for the explained class.

    Weights below a tenth of the largest magnitude are the fit's noise and never shown.
    """
    weights = explanation.weights[explanation.label]
    least = max(abs(weight) for _, weight in weights) / 10
    loud = [item for item in weights if item[1] > 0 and item[1] >= least]
    best = sorted(loud, key=lambda item: -item[1])[:count]
    return np.isin(explanation.segments, [region for region, _ in best])


def draw_explanation(
    path: str | pathlib.Path,
    image: np.ndarray,
    explanation: Explanation,
    class_names: Sequence[str],
    *,
    truth: int | None = None,
    title: str = "",
    num_regions: int = 5,
) -> None:
    """Writes a PNG of three panels: image, weights of the regions, strongest regions outlined.

    Args:
      path: the file to write, in a folder that exists.
      image: u8 or f32 [S,S,C], C of 1 or 3, as it was explained.
      explanation: of that image.
      class_names: of all K classes.
      truth: the image's class, None if it has none but its prompt.
      title: put before the prediction.
      num_regions: at most so many outlined.
    """
    shown = _to_display(image)
    predicted = int(explanation.probabilities.argmax())
    facts = [title] if title else []
    facts.append(f"predicted {class_names[predicted]} {explanation.probabilities[predicted]:.0%}")
    if truth is not None:
        facts.append(f"truth {class_names[truth]}")
    facts.append(f"R² {explanation.r2:.2f}")

    # Figure and canvas by hand: pyplot keeps global state and may look for a screen.
    figure = Figure(figsize=(10.5, 3.7), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(", ".join(facts), fontsize=11)
    plain, heat, outlined = figure.subplots(1, 3)
    weights = heat_map(explanation)
    limit = max(float(np.abs(weights).max()), 1e-6)
    plain.imshow(shown, interpolation="nearest")
    plain.set_title("image", fontsize=10)
    drawn = heat.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    heat.set_title(f"weight for {class_names[explanation.label]}", fontsize=10)
    figure.colorbar(drawn, ax=heat, shrink=0.85)
    mask = top_regions(explanation, num_regions)
    outlined.imshow(np.where(mask[..., None], shown, shown * 0.55), interpolation="nearest")
    if mask.any():
        _outline(outlined, mask)
    outlined.set_title("strongest regions for it", fontsize=10)
    for axes in (plain, heat, outlined):
        axes.set_axis_off()
    figure.savefig(path, format="png")


def _to_display(image: np.ndarray) -> np.ndarray:
    """f32[S,S,3] in [0, 1] from u8 or f32 of any range, grey or RGB."""
    low, high = (0, 255) if image.dtype == np.uint8 else (image.min(), image.max())
    scaled = (image.astype(np.float32) - low) / max(float(high) - float(low), 1e-12)
    return np.broadcast_to(scaled, (*image.shape[:2], 3))


def _outline(axes: Axes, mask: np.ndarray) -> None:
    """Draws the pixel edges of the mask."""
    padded = np.pad(mask, 1)
    style: dict[str, Any] = {"colors": "gold", "linewidth": 1.8, "capstyle": "projecting"}
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    axes.hlines(rows - 0.5, columns - 0.5, columns + 0.5, **style)
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    axes.vlines(columns - 0.5, rows - 0.5, rows + 0.5, **style)
