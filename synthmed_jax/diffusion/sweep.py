"""A sweep over samplers and steps: quality (measured on `fit` and `val`) against speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from synthmed_jax.diffusion.settings import SweepSettings, parse
from synthmed_jax.progress import progress_bar
from synthmed_jax.results.sweep import SweepRow
from synthmed_jax.statistics.intervals import ratio_interval

# Number of the set, 0 <= number < seeds -> its images u8[N,S,S,C].
Draw = Callable[[int], np.ndarray]
# (sampler, steps) -> what draws its sets, and evaluations of the network per image.
Compile = Callable[[str, int], tuple[Draw, int]]


def compare(
    settings: SweepSettings,
    compiled: Compile,
    distance: Callable[[np.ndarray], float],
    nearness: Callable[[np.ndarray], float | None],
) -> list[SweepRow]:
    """Draws every candidate's sets and measures them.

    Args:
      compiled: (sampler, steps) -> what draws its sets, and evaluations of the network per image.
        What is done once per candidate, such as compiling, is done in this call, outside of the
        time that images per second are taken from.
      distance: images -> Frechet distance to the real images.
      nearness: images -> median distance to the nearest `fit` image over that of `val` images.

    Returns:
      One row per candidate, in their order.
    """
    rows: list[SweepRow] = []
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
            ratio, interval = ratio_interval(distances, rows[0].distances if rows else distances)
            rows.append(
                SweepRow(
                    sampler=sampler,
                    steps=steps,
                    evaluations=evaluations,
                    distances=tuple(distances),
                    nearness=tuple(near),
                    images_per_second=float(np.median(rates)),
                    ratio=ratio,
                    ratio_interval=interval,
                )
            )
    return rows


def to_markdown(rows: Sequence[SweepRow]) -> str:
    """The rows, one or more, as a table in Markdown."""
    first = f"{rows[0].sampler}, {rows[0].steps} steps"
    lines = [
        f"| sampler | steps | evaluations | Frechet distance | ratio to {first} (95 %) | nearness |"
        " images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        distance = f"{np.mean(row.distances):.4g} ± {np.std(row.distances, ddof=1):.2g}"
        low, high = row.ratio_interval
        measured = [value for value in row.nearness if value is not None]
        nearness = f"{np.mean(measured):.2f}" if measured else "-"
        lines.append(
            f"| {row.sampler} | {row.steps} | {row.evaluations} | {distance} | "
            f"{row.ratio:.2f} ({low:.2f} to {high:.2f}) | {nearness} | "
            f"{row.images_per_second:.2f} |"
        )
    return "\n".join(lines) + "\n"
