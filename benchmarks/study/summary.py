"""What each design of the study says, in a line and in a few sentences."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Sequence

from benchmarks.study import scores
from benchmarks.study.runs import Design
from benchmarks.study.tables import mean_text
from synthmed_jax.report import floor_tables
from synthmed_jax.report.formats import DASH, signed
from synthmed_jax.results.membership import IMAGES_ONLY
from synthmed_jax.results.pool import PooledDifference
from synthmed_jax.results.section import Row, Table
from synthmed_jax.statistics.intervals import mean_estimate

_COLUMNS = (
    "seeds", "best floor", "real, augmented", "synthetic alone", "D1", "D2", "copies",
    "release of images only",
)  # fmt: skip
_CAPTION = (
    "Means over seeds of balanced accuracy on real test images, %; D1 and D2 in percentage points "
    "with 95 % intervals over seeds and test images, of one seed over test images alone: that says "
    "nothing of other seeds. Best floor: of the forests that learned from "
    "real images, the one that scores highest here, which favours it. Copies: synthetic images "
    "that the search flags, of all seeds whose images were audited; images that are no copies are "
    "flagged too, about one in a hundred or some more. Release: how many of these audits came to "
    "the verdict."
)


def summary_table(named: Iterable[tuple[str, Design]]) -> Table:
    """A row per design, under the name that is given with it."""
    return Table(_COLUMNS, tuple(Row(name, _summary(design)) for name, design in named), _CAPTION)


def _summary(design: Design) -> tuple[str, ...]:
    floor = scores.best_floor(design)
    by_name = {each.name: each for each in design.pooled.differences}
    differences = [by_name.get(name) for name in ("D1", "D2")]
    return (
        str(len(design.counted)),
        DASH if floor is None else f"{mean_text(floor[1])} ({floor_tables.FEATURES[floor[0]]})",
        mean_text(scores.of_arm(design, "real_augmented")),
        mean_text(scores.of_arm(design, "synthetic")),
        *(DASH if of is None else _difference(of) for of in differences),
        *_audited(design),
    )


def _difference(of: PooledDifference) -> str:
    """The pooled difference, or that of the one seed."""
    shown = of.pooled or next((each for each in of.of_seeds if not each.is_development), None)
    if shown is None:
        return DASH
    text = f"{signed(shown.estimate)} ({signed(shown.low)} to {signed(shown.high)})"
    return text if of.pooled else f"{text}, one seed"


def unaudited(named: Iterable[tuple[str, Design]]) -> str:
    """Returns the seeds whose images were not audited, "CT, seed 15"; "" where all were."""
    lacking = {
        name: [run.replicate.seed for run in design.runs if scores.memorisation(run) is None]
        for name, design in named
    }
    return "; ".join(
        f"{name}, seed {', '.join(map(str, seeds))}" for name, seeds in lacking.items() if seeds
    )


def _audited(design: Design) -> tuple[str, str]:
    audits = [audit for audit in map(scores.memorisation, design.counted) if audit is not None]
    copied = [audit.copied for audit in audits if audit.copied is not None]
    verdicts = collections.Counter(
        release.verdict
        for audit in audits
        for release in audit.release
        if release.released == IMAGES_ONLY
    )
    flagged = audits[0].verdict if audits else DASH  # where nothing is concluded about copies
    if copied:
        flagged = f"{sum(of.hits for of in copied)} of {sum(of.n for of in copied)}"
    return (
        flagged,
        "; ".join(f"{verdict} ({times} of {len(audits)})" for verdict, times in verdicts.items())
        or DASH,
    )


def remarks(design: Design) -> tuple[str, ...]:
    """Sentences about the floors and about the two controls, where there are any."""
    said = []
    floor = scores.best_floor(design)
    if floor is not None:
        name, of_floor = floor
        ahead = "; ".join(
            f"{words} {change(of_arm, of_floor)}"
            for arm, words in (
                ("real_augmented", "on real images with augmentation"),
                ("synthetic", "on synthetic images alone"),
            )
            for of_arm in [scores.of_arm(design, arm)]
            if of_arm
        )
        said.append(
            f"The best floor, a {floor_tables.name_of(name)} that learned from real images, "
            f"scores {mean_text(of_floor)} %. Networks less that floor, in percentage points with "
            f"95 % intervals over seeds: {ahead}."
        )
    real, repeated = scores.of_arm(design, "real"), scores.of_arm(design, "real_repeated")
    if real and repeated:
        said.append(
            "The control, real images each twice, is trained on the same images as the real arm, "
            f"for as many steps, and differs from it by {change(repeated, real)} points"
            f"{_apart(repeated, real)}: so far apart are two trainings."
        )
    shuffled = scores.of_arm(design, "synthetic_shuffled")
    if shuffled:
        chance = 100 / len(design.runs[0].record.class_names)
        said.append(
            "The control, synthetic images under shuffled labels, scores "
            f"{mean_text(shuffled)} %{_interval(shuffled)}; chance is {chance:.1f} %."
        )
    return tuple(said)


def _apart(of: Sequence[float], less: Sequence[float]) -> str:
    """How far apart the shares are in one seed; "" where there is but one."""
    if len(of) < 2:
        return ""
    squares = [(one - other) ** 2 for one, other in zip(of, less, strict=True)]
    apart = 100 * math.sqrt(sum(squares) / len(squares))
    return f" on average, and by {apart:.1f} in a single seed (root mean square)"


def change(of: Sequence[float], less: Sequence[float]) -> str:
    """Returns "+2.3 (-0.1 to +4.7)", mean and 95 % interval of differences seed by seed."""
    differences = [one - other for one, other in zip(of, less, strict=True)]
    estimate = mean_estimate(differences)
    if estimate.low is None or estimate.high is None:
        return f"{signed(differences[0])} (one seed)"
    mean = sum(differences) / len(differences)
    return f"{signed(mean)} ({signed(estimate.low)} to {signed(estimate.high)})"


def _interval(shares: Sequence[float]) -> str:
    of = mean_estimate(shares)
    if of.low is None or of.high is None:
        return " (one seed)"
    return f" (95 % interval over {of.n} seeds {100 * of.low:.1f} to {100 * of.high:.1f} %)"
