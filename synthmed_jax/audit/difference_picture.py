"""A picture of where synthetic and real images differ: mean images, their difference, spectra."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthmed_jax import figure_png
from synthmed_jax.audit.fidelity import Seen

_DPI = 130
_BLUE, _ORANGE, _GREY = "#1f5a8c", "#c8661b", "#9aa5b1"
_FEWEST = 2.0  # standard deviations or grey levels at the ends of a colour scale, at least


def draw(seen: Seen, reference: str) -> bytes:
    """Draws a PNG.

    Args:
      seen: what was compared.
      reference: what the real images are called.
    """
    figure = Figure(figsize=(8.6, 5.2), layout="constrained")
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 1.15))
    above, below = parts[:, 0]
    images = above.subplots(1, 4)
    _show(images[0], seen.real.mean, f"mean, {reference}")
    _show(images[1], seen.synthetic.mean, "mean, synthetic")
    _show_signed(images[2], seen.difference.of_means, "synthetic less real,\ngrey levels")
    _show_signed(images[3], seen.difference.standardised, "the same in standard\ndeviations")
    spectra, frequencies, rings = below.subplots(1, 3)
    cycles = np.arange(1, seen.real.spectra.shape[1] + 1)
    spectra.plot(cycles, seen.real.spectra.mean(axis=0), color=_BLUE, label=reference)
    spectra.plot(
        cycles, seen.synthetic.spectra.mean(axis=0), color=_ORANGE, ls="--", label="synthetic"
    )
    _tidy(spectra, "Power of each frequency", "cycles per image side", "log10 of power, mean")
    _two(frequencies, cycles, seen.difference.frequencies, seen.by_chance.frequencies)
    _tidy(frequencies, "Difference of it", "cycles per image side", "standard deviations")
    ring = np.arange(len(seen.difference.rings))
    _two(rings, ring, seen.difference.rings, seen.by_chance.rings)
    _tidy(rings, "Difference of mean level", "ring of pixels, 0: outermost", "standard deviations")
    return figure_png.to_png(figure, dpi=_DPI, margin=0.05)


def _show(axes: Axes, image: np.ndarray, title: str) -> None:
    levels = np.rint(image).astype(np.uint8)
    if levels.shape[2] == 1:
        axes.imshow(levels[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    else:
        axes.imshow(levels, interpolation="nearest")
    _bare(axes, title)


def _show_signed(axes: Axes, values: np.ndarray, title: str) -> None:
    most = max(_FEWEST, float(np.abs(values).max()))
    drawn = axes.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.8)
    bar.ax.tick_params(labelsize=7)
    _bare(axes, title)


def _bare(axes: Axes, title: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=9)


def _two(axes: Axes, x: np.ndarray, synthetic: np.ndarray, real: np.ndarray) -> None:
    axes.axhline(0, color="black", linewidth=0.6)
    axes.plot(x, real, color=_GREY, label="other real less real")
    axes.plot(x, synthetic, color=_ORANGE, ls="--", label="synthetic less real")


def _tidy(axes: Axes, title: str, xlabel: str, ylabel: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(xlabel, fontsize=8)
    axes.set_ylabel(ylabel, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False)
