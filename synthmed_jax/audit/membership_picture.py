"""A picture of the ROC curves of attacks, with a logarithmic axis: few false alarms matter most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from synthmed_jax import figure_png
from synthmed_jax.statistics import roc

_DPI = 130
_STYLES = (("#1f5a8c", "-"), ("#c8661b", "--"), ("#4d7c3a", "-."))


def draw(scores: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bytes:
    """Draws a PNG.

    Args:
      scores: name of each attack -> scores of members and of others, high for members.
    """
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    least = min(1 / (2 * len(others)) for _, others in scores.values())
    chance = np.geomspace(least, 1, 50)
    axes.plot(chance, chance, color="#9aa5b1", linewidth=1, label="chance")
    for (name, (members, others)), (colour, style) in zip(scores.items(), _STYLES, strict=False):
        false, true = roc.curve(members, others)
        # No false alarm at all has no place on a logarithmic axis: it is drawn at half of one.
        shown = np.maximum(false, least)
        axes.step(shown, true, where="post", color=colour, linestyle=style, label=name)
    axes.set(xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1))
    axes.set_xlabel("share of other images taken for learned ones", fontsize=9)
    axes.set_ylabel("share of learned images found", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    return figure_png.to_png(figure, dpi=_DPI, margin=0.05)
