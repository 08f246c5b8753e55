"""What networks score after training on all synthetic images, and on those that a filter leaves."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.study import safety, scores, tables
from benchmarks.study.runs import Design, Run
from synthmed_jax.arms import FILTERED, SYNTHETIC
from synthmed_jax.evaluation.records import FILTER
from synthmed_jax.report.formats import DASH
from synthmed_jax.results.filtered import FILTERED as OF_FILTERED
from synthmed_jax.results.filtered import SYNTHETIC as OF_SYNTHETIC
from synthmed_jax.results.filtered import Filtered
from synthmed_jax.results.section import Table


def has_filter(design: Design) -> bool:
    """Whether a design is about what a filter costs."""
    return FILTERED in scores.headline(design.runs[0])


def filter_table(design: Design) -> Table:
    """What was left out, and what it changes."""
    rows = [
        tables.row("left out as suspected copies", design, _left_out),
        tables.row("held-out images that the search flags", design, safety.held_out_flagged),
        *(
            tables.row(f"coverage of `fit`, {words}", design, _coverage_of(sets))
            for sets, words in ((OF_SYNTHETIC, "all"), (OF_FILTERED, "filtered"))
        ),
        *(
            tables.row(f"balanced accuracy, {tables.ARMS[arm]}", design, _accuracy_of(arm))
            for arm in (SYNTHETIC, FILTERED)
        ),
    ]
    cell = next(iter(scores.headline(design.runs[0]).values()))
    return tables.table(
        design,
        rows,
        f"Balanced accuracy on real test images, %, of {cell.backbone}: mean and the single "
        "trainings, each of which began from the same weights in both arms. Where nothing was left "
        "out both sets are one. Left out: of all images that were looked at to fill the set; "
        "images that are no copies are among them. Held-out images, here those without a "
        "near-duplicate in `fit` or `val`, are no copies; exact 95 % intervals over images. "
        "Coverage by handmade features, with 95 % intervals.",
    )


def _left_out(run: Run) -> str:
    found = _found(run)
    if found is None:
        return DASH
    flagged = sum(each.flagged for each in found.classes.values())
    return f"{flagged} of {sum(each.looked_at for each in found.classes.values())}"


def _coverage_of(sets: str) -> Callable[[Run], str]:
    def text(run: Run) -> str:
        found = _found(run)
        measured = None if found is None else found.coverage.get(sets)
        if measured is None:
            return DASH
        return f"{measured.value:.2f} ({measured.low:.2f} to {measured.high:.2f})"

    return text


def _accuracy_of(arm: str) -> Callable[[Run], str]:
    def text(run: Run) -> str:
        cell = scores.headline(run).get(arm)
        if cell is None:
            return DASH
        single = ", ".join(f"{100 * each.balanced_accuracy:.1f}" for each in cell.folds)
        return f"{100 * cell.mean.balanced_accuracy:.1f} ({single})"

    return text


def _found(run: Run) -> Filtered | None:
    return run.document(Filtered, FILTER)
