"""RESULTS.md of the study: its text is results.md.jinja2, its numbers are of records."""

from __future__ import annotations

import pathlib
import re

import jinja2
import numpy as np

from benchmarks.study import (
    amounts,
    command,
    explanations,
    filters,
    networks,
    questions,
    safety,
    summary,
    tables,
)
from benchmarks.study.runs import Design
from synthmed_jax import best_cells
from synthmed_jax.report import charts, drawing, forest, pool_text
from synthmed_jax.report.findings import confusion_sum
from synthmed_jax.report.formats import percent
from synthmed_jax.results.section import Table

NAMES = {
    "sarscov2_ct": "SARS-CoV-2 CT",
    "leukemia": "Acute lymphoblastic leukaemia (ALL)",
    "brain_tumor_mri": "Brain tumour MRI",
    "phantom": "Drawn phantoms",
}
_PAPER_FRACTION = 0.2  # of the real images for fit and val
_SHORT = {"sarscov2_ct": "CT", "leukemia": "ALL", "brain_tumor_mri": "MRI"}


def pictures_of(design: Design) -> dict[str, bytes]:
    """Returns the design's pictures: name of the file -> PNG."""
    made = {}
    stem = f"{design.dataset}_{design.name}"
    pooled = design.pooled
    headings = [pool_text.heading(pooled, each) for each in pooled.differences]
    if headings:
        made[f"{stem}_forest.png"] = drawing.to_png(forest.forest(pooled.differences, headings))
    made[f"{stem}_confusion.png"] = drawing.to_png(_confusion(design))
    return made


def _confusion(design: Design) -> drawing.Figure:
    """The confusion matrices of real_augmented (or real) and synthetic, summed over the seeds."""
    matrices: dict[str, np.ndarray] = {}
    for run in design.runs:
        chosen = best_cells.headline(run.replicate.evaluation.cells)
        real = "real_augmented" if "real_augmented" in chosen else "real"
        for arm in (real, "synthetic"):
            if arm in chosen:
                title = tables.ARMS[arm]
                matrices[title] = matrices.get(title, 0) + confusion_sum(chosen[arm])
    return charts.confusion_matrices(matrices, design.runs[0].record.class_names)


def render(designs: list[Design], folder: str) -> str:
    """Returns the page.

    Args:
      designs: all of the study.
      folder: of the pictures, as the page names it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    by_set = {
        dataset: sorted((each for each in designs if each.dataset == dataset), key=_order)
        for dataset in NAMES
    }
    named = [(_short_name(each), each) for of_set in by_set.values() for each in of_set]
    compared = [(name, each) for name, each in named if _compares_arms(each)]
    of_amounts = [(name, each) for name, each in named if amounts.has_amounts(each)]
    page = environment.get_template("results.md.jinja2")
    text = page.render(
        sets={
            NAMES[dataset]: [_part(each, folder) for each in of_set]
            for dataset, of_set in by_set.items()
            if of_set
        },
        summary=summary.summary_table(compared),
        unaudited=summary.unaudited(compared),
        questions=questions.answers(compared, of_amounts),
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _part(design: Design, folder: str) -> dict[str, object]:
    stem = f"{folder}/{design.dataset}_{design.name}"
    pooled = design.pooled
    compares_arms = _compares_arms(design)
    remarks = summary.remarks(design) if compares_arms else ()
    return {
        "title": _title(design),
        "command": command.command_of(design),
        "answers": (*pool_text.paragraphs(pooled), *remarks),
        "forest": f"{stem}_forest.png" if pooled.differences else "",
        "confusion": f"{stem}_confusion.png",
        "detail": None if compares_arms else _detail(design),
        "tables": _tables(design) if compares_arms else {},
        "cost": tables.cost_table(design),
    }


def _compares_arms(design: Design) -> bool:
    """Whether a design is about all arms, and not about one question alone."""
    return not any(
        is_about(design)
        for is_about in (networks.has_networks, amounts.has_amounts, filters.has_filter)
    )


def _detail(design: Design) -> Table:
    """The one table of a design that is about networks, a filter or numbers of images."""
    if networks.has_networks(design):
        return networks.networks_table(design)
    if filters.has_filter(design):
        return filters.filter_table(design)
    return amounts.amounts_table(design)


def _tables(design: Design) -> dict[str, list[Table]]:
    explained = (explanations.explanations_table(design), explanations.probes_table(design))
    found = {
        "Images": [tables.images_table(design)],
        "What needs no network": [tables.floors_table(design)],
        "Networks": [
            tables.arms_table(design),
            tables.differences_table(design),
            tables.without_duplicates_table(design),
        ],
        "Can synthetic images be told from real ones?": tables.fidelity_tables(design),
        "Are they safe to share?": [safety.privacy_table(design)],
        "What the networks look at": [table for table in explained if table is not None],
    }
    return {title: [table for table in of if table.rows] for title, of in found.items()}


def _order(design: Design) -> tuple[bool, bool, float]:
    """Designs of all arms first, of these near-duplicates apart, of these more real images."""
    group_by, fraction = design.field["split.group_by"], _fraction(design)
    return not _compares_arms(design), group_by != "near_duplicates", -fraction


def _fraction(design: Design) -> float:
    return design.runs[0].replicate.fraction


def _short_name(design: Design) -> str:
    name = _SHORT.get(design.dataset, design.dataset)
    group_by, fraction = str(design.field["split.group_by"]), _fraction(design)
    if fraction != _PAPER_FRACTION:
        name += f", {percent(fraction, 0)} real"
    return name if group_by == "near_duplicates" else f"{name} ({group_by})"


def _title(design: Design) -> str:
    if networks.has_networks(design):
        return f"The paper's networks, on images of {networks.pixels(design)} pixels"
    if amounts.has_amounts(design):
        return "Synthetic images per class"
    if filters.has_filter(design):
        return "Without the images that the search for copies flags"
    group_by, fraction = str(design.field["split.group_by"]), _fraction(design)
    title = f"split.group_by={group_by}"
    if group_by.startswith("blocks:"):
        blocks = group_by.removeprefix("blocks:")
        title = f"Blocks of {blocks} file numbers on one side of the split"
    if group_by == "near_duplicates":
        title = "Near-duplicates on one side of the split"
    if fraction != _PAPER_FRACTION:
        title += f", {percent(fraction, 0)} of the real images for fit and val"
    return title
