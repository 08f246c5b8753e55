"""Numbers of a design's runs, those of the seeds that count: one per run that has it."""

from __future__ import annotations

from benchmarks.study.runs import Design, Run
from synthmed_jax import best_cells
from synthmed_jax.results.audit import AuditFidelity, Comparison
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.floors import MAJORITY, Floors
from synthmed_jax.results.memorisation import AuditMemorisation


def headline(run: Run) -> dict[str, CellScores]:
    """Arm -> the cell of a run that the answers are about."""
    return best_cells.headline(run.replicate.evaluation.cells)


def of_arm(design: Design, arm: str) -> list[float]:
    """Balanced accuracies of an arm's network; [] where a run lacks the arm."""
    cells = [headline(run).get(arm) for run in design.counted]
    found = [cell.mean.balanced_accuracy for cell in cells if cell is not None]
    return found if len(found) == len(cells) else []


def floors_of(run: Run) -> dict[tuple[str, str], float]:
    """(what a forest sees, the arm it learned from) -> its balanced accuracy."""
    floors = run.document(Floors, "evaluate/floors.json")
    if floors is None:
        return {}
    return {
        (each.features, each.arm): each.balanced_accuracy
        for each in floors.floors
        if each.features != MAJORITY or each.arm == "real"  # it knows nothing of either
    }


def best_floor(design: Design, arm: str = "real") -> tuple[str, list[float]] | None:
    """What the forest of highest mean sees, and its balanced accuracies; None: there are none."""
    of_runs = [floors_of(run) for run in design.counted]
    found = {
        features: [of_run[features, arm] for of_run in of_runs if (features, arm) in of_run]
        for features, of in dict.fromkeys(key for of_run in of_runs for key in of_run)
        if of == arm and features != MAJORITY
    }
    complete = {features: each for features, each in found.items() if len(each) == len(of_runs)}
    if not complete:
        return None
    return max(complete.items(), key=lambda item: sum(item[1]))


def memorisation(run: Run) -> AuditMemorisation | None:
    """What the search for copies found, and what it and the attacks say of a release."""
    return run.document(AuditMemorisation, "audit/memorisation.json")


def compared(design: Design, measure: str, features: str, against: str) -> list[Comparison]:
    """What a measure of fidelity found over all classes together, of the runs with an audit."""
    audits = [run.document(AuditFidelity, "audit/fidelity.json") for run in design.counted]
    return [
        each
        for audit in audits
        if audit is not None
        for each in audit.comparisons
        if (each.measure, each.features, each.against) == (measure, features, against)
        and not each.class_name
        and each.synthetic is not None
    ]
