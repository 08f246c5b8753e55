"""Pictures of a search for copies: how near images come to `fit`, and the closest pairs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from synthmed_jax import figure_png
from synthmed_jax.audit.memorisation import Found
from synthmed_jax.data import pair_sheet
from synthmed_jax.data.png import encode_png
from synthmed_jax.results.memorisation import ALIGNED, IDENTITY, SuspectedPair

_DPI = 130
_BLUE, _ORANGE = "#1f5a8c", "#c8661b"
_BINS = 40
_TITLES = {ALIGNED: "Aligned pixels", IDENTITY: "Features of the network"}


def draw_distances(found: Found) -> bytes:
    """Draws a PNG: distances to the nearest `fit` image, 1 - likeness, one panel per space."""
    figure = Figure(figsize=(8.6, 3.0), layout="constrained")
    panels = figure.subplots(1, len(found.synthetic), squeeze=False)[0]
    for axes, (space, alike) in zip(panels, found.synthetic.items(), strict=True):
        synthetic, different = 1 - alike, 1 - found.different[space]
        edges = np.linspace(0, max(synthetic.max(), different.max(), 1e-6), _BINS + 1)
        for values, color, label in (
            (different, _BLUE, "fit, to the nearest other fit image"),
            (synthetic, _ORANGE, "synthetic, to the nearest fit image"),
        ):
            shares = np.histogram(values, edges)[0] / len(values)
            axes.stairs(shares, edges, color=color, label=label, fill=color == _BLUE, alpha=0.8)
        axes.axvline(1 - found.thresholds[space], color="black", linewidth=0.8, ls="--")
        axes.set_title(_TITLES[space], fontsize=9, loc="left")
        axes.set_xlabel("distance, 1 - likeness (dashed: flagged below)", fontsize=8)
        axes.set_ylabel("share of images", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=7, frameon=False)
    return figure_png.to_png(figure, dpi=_DPI, margin=0.05)


def draw_pairs(found: Found, pairs: tuple[SuspectedPair, ...]) -> bytes:
    """Draws a PNG of the closest pairs, synthetic image on the left."""
    captions = [
        f"{number}: {pair.alike:.3f}{', flagged' if pair.flagged else ''}"
        for number, pair in enumerate(pairs, start=1)
    ]
    return encode_png(pair_sheet.draw(found.closest, captions))
