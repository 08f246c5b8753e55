"""The answer in a few lines, for the end of a run."""

from __future__ import annotations

from synthmed_jax.report.card import Answer, Finding
from synthmed_jax.report.formats import MINUS, NBSP

# What a terminal without Unicode lacks, and what stands for it.
_PLAIN = {NBSP: " ", MINUS: "-"}


def lines(answer: Answer) -> list[str]:
    """Returns a line per question and a line per finding: verdict, deciding number, interval."""
    found = []
    for card in answer.cards:
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
