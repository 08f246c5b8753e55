"""Finished runs side by side, as a page that needs no other file, and as Markdown."""

from __future__ import annotations

from synthmed_jax.report import (
    compare_answers,
    compare_fidelity,
    compare_tables,
    compare_text,
    html,
)
from synthmed_jax.report.side_by_side import SideBySide
from synthmed_jax.results.section import Section

_NO_SETTING = "The runs agree in all settings."
_NO_FLOORS = "No run has trained a forest: their versions did not."
_NO_AUDIT = "The stage audit has finished in no run, so nothing is known here but distances."


def render_html(side: SideBySide) -> str:
    """Returns compare/index.html."""
    return html.render_page("compare.html.jinja2", _variables(side))


def render_markdown(side: SideBySide) -> str:
    """Returns compare/compare.md."""
    questions = compare_answers.questions(side)
    tables = {name: compare_answers.answer_table(side, name) for name in questions}
    return html.render_text("compare.md.jinja2", _variables(side) | {"tables": tables})


def sections(side: SideBySide) -> dict[str, Section]:
    """Returns what follows the answers: anchor -> section."""
    fidelity = compare_fidelity.fidelity_tables(side)
    settings, floors = compare_tables.settings_table(side), compare_tables.floors_table(side)
    return {
        "settings": Section(
            "Settings that differ", () if settings.rows else (_NO_SETTING,), (settings,)
        ),
        "data": Section("Data and split", (), (compare_tables.data_table(side),)),
        "accuracy": Section("Accuracy of each arm", (), (compare_tables.arms_table(side),)),
        "floors": Section("What needs no network", () if floors.rows else (_NO_FLOORS,), (floors,)),
        "fidelity": Section(
            "How far synthetic images can be told from real ones",
            () if fidelity else (_NO_AUDIT,),
            (*fidelity, compare_fidelity.nearness_table(side)),
        ),
        "cost": Section("Cost", (), (compare_tables.cost_table(side),)),
    }


def _variables(side: SideBySide) -> dict[str, object]:
    return {
        "title": compare_text.TITLE,
        "names": side.names,
        "paragraphs": compare_text.paragraphs(side),
        "runs": compare_tables.runs_table(side),
        "verdicts": compare_answers.verdicts_table(side),
        "questions": compare_answers.questions(side),
        "answers": {run.name: run.answers for run in side.runs},
        "sections": sections(side),
        "limits": compare_text.limits(side),
    }
