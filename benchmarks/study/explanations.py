"""What explanations of the study's networks say, in numbers."""

from __future__ import annotations

import math

from benchmarks.study.runs import Design
from synthmed_jax.evaluation.records import LIME
from synthmed_jax.report.detectable import detectable
from synthmed_jax.report.formats import DASH, MINUS
from synthmed_jax.results.explanations import LimeSummary
from synthmed_jax.results.section import Row, Table
from synthmed_jax.statistics.intervals import Estimate

_NUMBERS = {
    "foreground": "importance in the foreground over its area",
    "border": "importance in the rim over its area",
    "corners": "importance in the corners over their area",
    "deletion_gain": "deletion, gained over random order",
    "insertion_gain": "insertion, gained over random order",
    "r2": "R² of the linear model",
}


def explanations_table(design: Design) -> Table | None:
    """LIME's numbers of the runs that have explained; None where none has."""
    explained = {
        f"seed {run.replicate.seed}": summary
        for run in design.runs
        for summary in [run.document(LimeSummary, LIME)]
        if summary is not None
    }
    if not explained:
        return None
    columns = tuple(
        f"{name}, {kind}" for name, summary in explained.items() for kind in summary.summary
    )
    rows = [
        Row(
            words,
            tuple(
                _estimate(of_kind["all classes"]["lime"].get(number))
                for summary in explained.values()
                for of_kind in summary.summary.values()
            ),
        )
        for number, words in _NUMBERS.items()
    ]
    caption = " ".join(_tests(name, summary) for name, summary in explained.items())
    return Table(columns, tuple(rows), f"Means with 95 % intervals over images. {caption}")


def probes_table(design: Design) -> Table | None:
    """What blanking regions costs the explained networks; None where nothing was blanked."""
    rows = [
        Row(
            f"seed {run.replicate.seed}, {probe.region}",
            (
                f"{100 * probe.area:.0f} %",
                f"{100 * probe.accuracy:.1f}",
                f"{100 * probe.blanked_accuracy:.1f}",
                DASH
                if probe.loss is None
                else f"{_points(probe.loss.estimate)} ({_points(probe.loss.low)} to "
                f"{_points(probe.loss.high)})",
            ),
        )
        for run in design.runs
        for summary in [run.document(LimeSummary, LIME)]
        if summary is not None
        for probe in summary.probes
    ]
    if not rows:
        return None
    return Table(
        ("share of the area", "as it is", "blanked", "lost, points"),
        tuple(rows),
        "Balanced accuracy of the explained network on real test images, %, as they are and with "
        "the region blanked; intervals hold together for the regions of a run.",
    )


def _tests(name: str, summary: LimeSummary) -> str:
    tests = summary.comparison.tests
    missed = detectable(tests)
    found = len(tests) - (0 if missed is None else missed.num_tests)
    text = f"{name.capitalize()}: real and synthetic differ in {found} of {len(tests)} tests"
    if missed is None:
        return f"{text}."
    if math.isinf(missed.smallest):
        return f"{text}; with so few images the others could find nothing."
    return (
        f"{text}; the others would have found a difference of {missed.smallest:.1f} standard "
        f"deviations in {100 * missed.power:.0f} % of such samples, and a smaller one less often."
    )


def _estimate(of: Estimate | None) -> str:
    return DASH if of is None else f"{of.mean:.2f} ({of.low:.2f} to {of.high:.2f})"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", MINUS)
