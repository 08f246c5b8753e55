"""A sweep over samplers and steps: nearness to real images not learned against speed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from synthmed_jax.diffusion.generate_settings import SweepSettings, parse
from synthmed_jax.progress import progress_bar
from synthmed_jax.results.sweep import SweepResult, SweepRow
from synthmed_jax.statistics.kernel_distance import KernelDistance, paired_difference

# Number of the set, 0 <= number < seeds -> its images u8[N,S,S,C].
Draw = Callable[[int], np.ndarray]
# (sampler, steps) -> what draws its sets, and evaluations of the network per image.
Compile = Callable[[str, int], tuple[Draw, int]]


def compare(
    settings: SweepSettings,
    compiled: Compile,
    distance: Callable[[np.ndarray], KernelDistance],
    nearness: Callable[[np.ndarray], float | None],
) -> list[SweepRow]:
    """Draws every candidate's sets and measures them.

    Args:
      compiled: (sampler, steps) -> what draws its sets, and evaluations of the network per image.
        What is done once per candidate, such as compiling, is done in this call, outside of the
        time that images per second are taken from.
      distance: images -> distance to real images that the generator has not learned, always the
        same ones.
      nearness: images -> median distance to the nearest `fit` image over that of `val` images. It
        is noted and decides nothing.

    Returns:
      One row per candidate, in their order.
    """
    rows: list[SweepRow] = []
    first: list[KernelDistance] = []
    bar = progress_bar(
        description="sweep", total=len(settings.candidates) * settings.seeds, unit="set"
    )
    with bar:
        for candidate in settings.candidates:
            sampler, steps = parse(candidate)
            draw, evaluations = compiled(sampler, steps)
            distances, near, rates = [], [], []
            for seed in range(settings.seeds):
                started = time.monotonic()
                images = draw(seed)
                rates.append(len(images) / (time.monotonic() - started))
                distances.append(distance(images))
                near.append(nearness(images))
                bar.update()
            first = first or distances
            difference = paired_difference(distances, first)
            rows.append(
                SweepRow(
                    sampler=sampler,
                    steps=steps,
                    evaluations=evaluations,
                    distances=tuple(each.value for each in distances),
                    nearness=tuple(near),
                    images_per_second=float(np.median(rates)),
                    difference=difference.mean,
                    difference_interval=(difference.low, difference.high),
                )
            )
    return rows


def against_first(row: SweepRow) -> str:
    """Says whether a candidate is nearer to the real images than the first, if that is known."""
    low, high = row.difference_interval
    if low > 0:
        return "farther"
    return "nearer" if high < 0 else "can't be told apart"


def to_markdown(result: SweepResult) -> str:
    """The rows, one or more, as a table in Markdown, and what its numbers are."""
    first = f"{result.rows[0].sampler}, {result.rows[0].steps} steps"
    lines = [
        f"| sampler | steps | evaluations | {result.distance} | less that of {first} (95 %) | "
        "so it is | nearness to fit (exploratory) | images/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for place, row in enumerate(result.rows):
        distance = f"{np.mean(row.distances):.3g} ± {np.std(row.distances, ddof=1):.2g}"
        low, high = row.difference_interval
        difference = f"{row.difference:+.3g} ({low:+.3g} to {high:+.3g})" if place else "-"
        measured = [value for value in row.nearness if value is not None]
        nearness = f"{np.mean(measured):.2f}" if measured else "-"
        lines.append(
            f"| {row.sampler} | {row.steps} | {row.evaluations} | {distance} | {difference} | "
            f"{against_first(row) if place else 'the yardstick'} | {nearness} | "
            f"{row.images_per_second:.2f} |"
        )
    return "\n".join([*lines, "", _note(result), ""])


def _note(result: SweepResult) -> str:
    return (
        f"{result.distance.capitalize()}, mean and deviation of {result.seeds} sets of "
        f"{result.num_synthetic} images, to {result.num_real} real images ({result.reference}); "
        f"features: {result.features}. The interval of a difference is over sets and over these "
        "real images, each comparison by itself; where it holds 0 the two can't be told apart, and "
        "the order of their distances says nothing. Nearness is the median distance to the nearest "
        "fit image over that of val images: no choice is to be made by it, because copies of fit "
        "and blurred images change it too."
    )
