"""What the templates print: tables and sentences, made from a run's files and nothing else."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection

from synthmed_jax.report import (
    explanation_tables,
    explanations,
    floor_tables,
    flow,
    generator_text,
    outline,
    paper_table,
    provenance,
    quality_tables,
    results_table,
    wording,
)
from synthmed_jax.report.card import Answer
from synthmed_jax.report.conclusions import Conclusions
from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import n_is
from synthmed_jax.results.explanations import LimeSummary
from synthmed_jax.results.section import Table
from synthmed_jax.results.split import PartCounts
from synthmed_jax.verdicts import Caveat

TITLE = "Can synthetic images stand in for real ones?"
_OWN_IMAGES = "folder"  # config.data.name of them
PARTS = tuple(field.name for field in dataclasses.fields(PartCounts))


@dataclasses.dataclass(frozen=True)
class Explained:
    """The section on explanations, less its pictures."""

    intro: str
    alarms: list[str]
    tables: list[Table]
    comparison: list[str]
    engines: str | None


def build(contents: Contents, conclusions: Conclusions, answer: Answer) -> dict[str, object]:
    """Returns the templates' variables, less the pictures and what `not_run` says."""
    evaluation, fidelity, totals = contents.evaluation, contents.fidelity, contents.totals
    dataset = _shown_dataset(contents)
    return {
        "title": TITLE,
        "dataset": dataset,
        "subtitle": _subtitle(dataset, len(contents.counts), totals, conclusions),
        "outline": outline.TITLES,
        "answer": answer,
        "distance_numbers": generator_text.distance_numbers(fidelity),
        "distance_limits": generator_text.distance_limits(fidelity),
        "results": results_table.result_rows(contents),
        "result_columns": results_table.HEADINGS,
        "floors": None if contents.floors is None else floor_tables.floor_table(contents.floors),
        "arms": quality_tables.arm_tables(evaluation),
        "scores": quality_tables.probability_tables(evaluation),
        "results_caption": results_table.caption(contents),
        "beside": paper_table.beside(contents),
        "selection_gap": wording.validation(conclusions.validation, totals.val),
        "best": results_table.best_network(evaluation),
        "explained": None if contents.lime is None else _explained(contents.lime, conclusions),
        "generators": generator_text.generators(contents),
        "parts": PARTS,
        "counts": [(name, dataclasses.astuple(count)) for name, count in contents.counts.items()],
        "totals": dataclasses.astuple(totals),
        "split_caption": _split_caption(contents),
        "flow": flow.flow_tables(contents),
        "protocol": provenance.protocol(contents),
        "stages": provenance.stage_rows(contents.info),
        "total_time": provenance.total_time(contents.info),
        "facts": provenance.facts(contents),
        "preset": provenance.preset(contents.info),
        "changed": provenance.changed(contents),
        "settings": provenance.settings(contents.config),
    }


def name_of_dataset(contents: Contents) -> str:
    """Returns the data set's name."""
    evaluation = contents.evaluation
    return contents.setting("data.name", "data" if evaluation is None else evaluation.dataset)


def _shown_dataset(contents: Contents) -> str:
    """The data set's name; a user's own has that of its folder."""
    name = name_of_dataset(contents)
    folder = pathlib.PurePath(contents.setting("data.dir", "")).name
    return f"{folder} (a folder)" if name == _OWN_IMAGES and folder else name


def _subtitle(dataset: str, num_classes: int, totals: PartCounts, conclusions: Conclusions) -> str:
    trial = f" {wording.TRIAL}" if Caveat.TRIAL in conclusions.caveats else ""
    return (
        f"Data set {dataset}: {n_is(totals.total)} images in {num_classes} classes "
        f"(fit {totals.fit}, val {totals.val}, test {totals.test}).{trial}"
    )


def not_run(contents: Contents, *, generated: bool) -> dict[str, str]:
    """Returns, by section, the sentence that stands for what no stage has made yet.

    Args:
      generated: whether there are synthetic images.
    """
    missing = (
        (contents.fidelity is None, "pairs", "evaluate", "no nearest real image"),
        (not generated, "samples", "generate", "no synthetic image"),
        (not generated, "pairs", "generate", "no synthetic image"),
        (contents.evaluation is None, "results", "evaluate", "no result on the test images"),
        (contents.lime is None, "lime", "explain", "no LIME picture"),
        (not contents.generators, "diffusion", "diffusion", "no training curve of it"),
        (not contents.folds, "classify", "classify", "no training curve of them"),
    )
    return {
        section: wording.not_run(stage, loss) for absent, section, stage, loss in missing if absent
    }


def not_written(places: Collection[str]) -> dict[str, str]:
    """Returns, by place in the outline, the sentence for what no stage has left a section for.

    Args:
      places: that have sections.
    """
    losses = {
        "data": ("split", "no description of what was found"),
        "fidelity": ("audit", "no measure of likeness"),
        "audit": ("audit", "no search for copies"),
    }
    return {
        place: wording.not_run(stage, loss)
        for place, (stage, loss) in losses.items()
        if place not in places
    }


def _explained(lime: LimeSummary, conclusions: Conclusions) -> Explained:
    shortcuts, differences = conclusions.shortcuts, conclusions.differences
    evidence = None if shortcuts is None else shortcuts.evidence
    tables = [explanation_tables.by_class(lime), explanation_tables.by_method(lime)]
    if differences is not None:
        tables.append(explanation_tables.differences(differences))
    if evidence is not None:
        tables.insert(0, explanation_tables.shortcuts(evidence))
    return Explained(
        explanations.intro(lime),
        [] if shortcuts is None else explanations.alarms(shortcuts),
        tables,
        [
            *([] if shortcuts is None else explanations.shortcuts(shortcuts)),
            *explanations.comparison(lime),
        ],
        explanations.engines(lime.check),
    )


def _split_caption(contents: Contents) -> str:
    return (
        "Numbers of images. fit: generator and classifiers learn from it; val: for choices; test: "
        f"opened by audit, evaluation and explanation alone. Rule: {contents.split.rule}."
    )
