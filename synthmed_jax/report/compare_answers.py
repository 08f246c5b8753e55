"""The answers of finished runs side by side: what each says to the questions of a report."""

from __future__ import annotations

from collections.abc import Callable

from synthmed_jax.estimands import ADD, REPLACE
from synthmed_jax.report import floor_card, release_card
from synthmed_jax.report.card import Card, Finding, Tone
from synthmed_jax.report.cards import CONTROL
from synthmed_jax.report.formats import DASH
from synthmed_jax.report.side_by_side import SideBySide
from synthmed_jax.results.section import Row, Table

# A question in a heading of a row.
_TOPICS = {
    REPLACE.name: f"Stand in for real images ({REPLACE.name})",
    ADD.name: f"Add to real images ({ADD.name})",
    release_card.NAME: "Safe to share",
    floor_card.NAME: "Beside simple means",
    CONTROL: "Control",
}
_SIGNS = {Tone.YES: "✓", Tone.NO: "✗", Tone.OPEN: "?", Tone.MISSING: DASH}


def questions(side: SideBySide) -> dict[str, str]:
    """Returns the questions' names -> the questions."""
    return {name: card.question for run in side.runs for name, card in run.answers.items()}


def verdicts_table(side: SideBySide) -> Table:
    """Returns the verdicts alone: a row per question, and per thing that it is asked of."""
    rows = []
    for name, question in questions(side).items():
        topic = _TOPICS.get(name, question)
        for about, texts in _by_about(side, name, _words).items():
            rows.append(Row(f"{topic}: {about}" if about else topic, texts))
    return Table(
        side.names, tuple(rows), "Verdicts of each run; the numbers behind them stand below."
    )


def answer_table(side: SideBySide, name: str) -> Table:
    """Returns verdict, numbers and power of one question, for where there are no cards."""
    by_about = _by_about(side, name, _in_full)
    rows = [Row(about or "answer", texts) for about, texts in by_about.items()]
    return Table(side.names, tuple(rows), "")


def _by_about(
    side: SideBySide, name: str, text: Callable[[Card, Finding], str]
) -> dict[str, tuple[str, ...]]:
    """What a question is asked of -> a text per run.

    A run that has measured nothing says so of all that the others have measured.
    """
    cards = [run.answers.get(name) for run in side.runs]
    known = [card for card in cards if card is not None]
    measured = [card for card in known if not card.missing] or known
    abouts = dict.fromkeys(finding.about for card in measured for finding in card.findings)
    return {about: tuple(_of(card, about, text) for card in cards) for about in abouts}


def _of(card: Card | None, about: str, text: Callable[[Card, Finding], str]) -> str:
    if card is None:
        return DASH
    by_about = {finding.about: finding for finding in card.findings}
    if about not in by_about and not card.missing:
        return DASH
    return text(card, by_about.get(about, card.findings[0]))


def _words(_: Card, finding: Finding) -> str:
    return f"{_SIGNS[finding.tone]} {finding.words}"


def _in_full(card: Card, finding: Finding) -> str:
    numbers = [
        f"{n.text} {n.name}" + (f" ({n.detail})" if n.detail else "") for n in finding.numbers
    ]
    return "\n".join(filter(None, [finding.words, *numbers, finding.power, card.missing]))
