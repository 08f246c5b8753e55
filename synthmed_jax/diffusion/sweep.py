"""A sweep over samplers and steps: quality against images a second, chosen on `fit` and `val`."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from synthmed_jax import checks
from synthmed_jax.diffusion.samplers import SAMPLERS
from synthmed_jax.errors import UserError
from synthmed_jax.progress import progress_bar

# Which set, 0..seeds-1 -> its images u8[N,S,S,C].
Draw = Callable[[int], np.ndarray]


@dataclasses.dataclass(frozen=True)
class SweepSettings:
    """What is compared.

    Attributes:
      candidates: "sampler:steps" each; every other is compared with the first.
      per_class: images a class of every set that is drawn.
      seeds: sets drawn of every candidate.
    """

    candidates: tuple[str, ...]
    per_class: int
    seeds: int

    def __post_init__(self) -> None:
        checks.at_least("config.sweep.per_class", self.per_class, 1)
        checks.at_least("config.sweep.seeds", self.seeds, 2)
        if len(self.candidates) < 2:
            raise UserError("config.sweep.candidates needs two or more of sampler:steps")
        for candidate in self.candidates:
            parse(candidate)


def parse(candidate: str) -> tuple[str, int]:
    """Reads "sampler:steps"."""
    sampler, _, steps = candidate.partition(":")
    checks.one_of("config.sweep.candidates", sampler, SAMPLERS)
    if not steps.isdigit() or int(steps) < 1:
        raise UserError(
            f"config.sweep.candidates: {candidate!r} needs a number of steps, such as {sampler}:20"
        )
    return sampler, int(steps)


def compare(
    settings: SweepSettings,
    compiled: Callable[[str, int], tuple[Draw, int]],
    distance: Callable[[np.ndarray], float],
    nearness: Callable[[np.ndarray], float | None],
) -> list[dict[str, Any]]:
    """Draws every candidate's sets and measures them.

    Args:
      compiled: (sampler, steps) -> what draws its sets, and evaluations of the network an image.
        Whatever is done but once, as compiling, is done here: it is no part of the rate.
      distance: images -> Frechet distance to the real images.
      nearness: images -> median distance to the nearest `fit` image over that of `val` images.

    Returns one row a candidate: sampler, steps, evaluations, distances and nearness of each seed,
    images_per_second (median over sets), and the ratio of its distance to the first candidate's
    with a 95 % interval over seeds.
    """
    rows: list[dict[str, Any]] = []
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
            rows.append(
                {
                    "sampler": sampler,
                    "steps": steps,
                    "evaluations": evaluations,
                    "distances": distances,
                    "nearness": near,
                    "images_per_second": float(np.median(rates)),
                }
            )
    for row in rows:
        row["ratio"], row["ratio_interval"] = ratio_interval(row["distances"], rows[0]["distances"])
    return rows


def ratio_interval(
    distances: Sequence[float], reference: Sequence[float]
) -> tuple[float, tuple[float, float]]:
    """Geometric mean of ratios paired by seed, with Student's 95 % interval of its logarithm."""
    logs = np.log(np.asarray(distances) / np.asarray(reference))
    mean, n = float(logs.mean()), len(logs)
    half = float(stats.t.ppf(0.975, n - 1) * logs.std(ddof=1) / math.sqrt(n))
    return math.exp(mean), (math.exp(mean - half), math.exp(mean + half))


def to_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table."""
    first = f"{rows[0]['sampler']}, {rows[0]['steps']} steps"
    lines = [
        f"| sampler | steps | evaluations | Frechet distance | ratio to {first} (95 %) | nearness |"
        " images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        distances = row["distances"]
        spread = f"{np.mean(distances):.4g} ± {np.std(distances, ddof=1):.2g}"
        low, high = row["ratio_interval"]
        near = [value for value in row["nearness"] if value is not None]
        said = f"{np.mean(near):.2f}" if near else "-"
        lines.append(
            f"| {row['sampler']} | {row['steps']} | {row['evaluations']} | {spread} | "
            f"{row['ratio']:.2f} ({low:.2f} to {high:.2f}) | {said} | "
            f"{row['images_per_second']:.2f} |"
        )
    return "\n".join(lines) + "\n"
