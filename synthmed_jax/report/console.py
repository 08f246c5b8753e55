"""The answer in a few lines, for the end of a run, from what report.json says."""

from __future__ import annotations

from collections.abc import Mapping

from synthmed_jax.report.card import Card, Finding
from synthmed_jax.report.formats import MINUS, NBSP
from synthmed_jax.report.wording import TRIAL
from synthmed_jax.results.stored import Document, structure
from synthmed_jax.verdicts import Caveat

# The cards that it shows: the page has more.
SHOWN = ("D1", "D2", "release")

# What a terminal without Unicode lacks, and what stands for it.
_PLAIN = {NBSP: " ", MINUS: "-"}


def lines(report: Document) -> list[str]:
    """Returns a line per question and a line per finding: verdict, deciding number, interval.

    Args:
      report: report.json; cards, and what not to conclude, may lack in that of an earlier version.

    Raises:
      UserError: a card has other fields.
    """
    answers: Mapping[str, object] = report.get("answers", {})
    limits = {limit["name"] for limit in report.get("not_to_conclude", ())}
    found = [TRIAL] if Caveat.TRIAL.value in limits else []
    for name in SHOWN:
        if name not in answers:
            continue
        card = structure(answers[name], Card, "report/report.json")
        found.append(card.question)
        found += [f"  {_line(finding)}" for finding in card.findings]
    return [_plain(line) for line in found]


def _line(finding: Finding) -> str:
    about = f"{finding.about}: " if finding.about else ""
    if not finding.numbers:
        return f"{about}{finding.words}"
    number = finding.numbers[0]
    detail = f" ({number.detail})" if number.detail else ""
    return f"{about}{finding.words}: {number.text} {number.name}{detail}"


def _plain(text: str) -> str:
    for special, plain in _PLAIN.items():
        text = text.replace(special, plain)
    return text
