"""Pictures of pictures: grids of samples, and pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.report.drawing import shorten
from synthmed_jax.report.pairs import Pair, rows_of_class

THUMBNAIL = 0.95  # Side of one image, inches.


def show_image(axes: Axes, image: np.ndarray) -> None:
    """Draws u8[S,S,1|3] without axes, each pixel as a square."""
    grey = image.shape[-1] == 1
    axes.imshow(
        image[..., 0] if grey else image,
        cmap="gray" if grey else None,
        vmin=0,
        vmax=255,
        interpolation="nearest",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def sample_grid(fit: ImageSet, synthetic: ImageSet, count: int = 5) -> Figure:
    """Draws a row per class: `count` real `fit` images, then `count` synthetic ones.

    The images are evenly spaced through each set, not picked by their looks.
    """
    names = fit.class_names
    widths = [1.0] * count + [0.25] + [1.0] * count
    size = (THUMBNAIL * (sum(widths) + 0.4), THUMBNAIL * len(names) * 1.05 + 0.45)
    figure = Figure(figsize=size, layout="compressed")
    grid = figure.subplots(len(names), len(widths), squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, name in zip(grid, names, strict=True):
        for images, columns in ((fit, row[:count]), (synthetic, row[count + 1 :])):
            # A class may have fewer images than columns.
            for i, axes in zip(rows_of_class(images, name, count), columns, strict=False):
                axes.set_axis_on()
                show_image(axes, np.asarray(images.images[i]))
        row[0].set_axis_on()
        row[0].set(xticks=[], yticks=[])
        row[0].spines[:].set_visible(False)
        row[0].set_ylabel(shorten(name), fontsize=9, parse_math=False)
    middle = count // 2
    grid[0, middle].set_title("real (fit)", fontsize=11)
    grid[0, count + 1 + middle].set_title("synthetic", fontsize=11)
    return figure


def pairs_grid(pairs: Sequence[Pair], columns: int) -> Figure:
    """Draws pairs: the synthetic image above, its nearest `fit` image and distance below.

    Args:
      pairs: at least one.
      columns: pairs side by side.
    """
    rows = -(-len(pairs) // columns)
    # "compressed" closes the gaps that square images leave in a grid.
    figure = Figure(
        figsize=(THUMBNAIL * (columns + 0.4), THUMBNAIL * rows * 2.7), layout="compressed"
    )
    grid = figure.subplots(2 * rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for i, pair in enumerate(pairs):
        row, column = 2 * (i // columns), i % columns
        top, bottom = grid[row : row + 2, column]
        for axes, image in ((top, pair.synthetic), (bottom, pair.nearest)):
            axes.set_axis_on()
            show_image(axes, np.asarray(image))
        top.set_title(shorten(pair.label, 13), fontsize=8, parse_math=False)
        below = f"{pair.distance:.3g}"
        if pair.nearest_label != pair.label:
            below += f"\n({shorten(pair.nearest_label, 13)})"
        bottom.set_xlabel(below, fontsize=8, parse_math=False)
        if column == 0:
            top.set_ylabel("synthetic", fontsize=8)
            bottom.set_ylabel("nearest fit", fontsize=8)
    return figure
