"""The answer of a run as data: one card per question, and what must not be concluded.

Page, Markdown and report.json are filled from these alone.
"""

from __future__ import annotations

import dataclasses
import enum


class Tone(enum.StrEnum):
    """How a verdict is marked: by a sign beside its words, never by colour alone."""

    YES = "yes"
    NO = "no"
    OPEN = "open"
    MISSING = "missing"


@dataclasses.dataclass(frozen=True)
class Number:
    """A number with its uncertainty.

    Attributes:
      name: what it is.
      value: share of 1, difference of two such shares, or area under a ROC curve.
      low, high: ends of its interval; None where there is none.
      level: confidence of the interval, share of 1; None likewise.
      n: what it is of; 0 where that is not known.
      of: what these are, such as "test images".
      text: the number as it is shown.
      detail: its interval and n as they are shown.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    level: float | None
    n: int
    of: str
    text: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Finding:
    """One verdict.

    Attributes:
      about: what it is on, such as one kind of release; "" where the question has one answer.
      verdict: as data: a value of an enum of `verdicts`.
      words: the same in a few words.
      tone: how it is marked.
      numbers: that it follows from, the deciding one first.
      power: what would have gone unnoticed; "" where nothing is to be said.
    """

    about: str
    verdict: str
    words: str
    tone: Tone
    numbers: tuple[Number, ...] = ()
    power: str = ""


@dataclasses.dataclass(frozen=True)
class Card:
    """A question and what the run says to it.

    Attributes:
      name: in report.json.
      question: in words.
      findings: one or more.
      would_change: sentences, what would lead to another verdict.
      details: all that stands behind it, in whole sentences.
      missing: the sentence that stands for what was not made; "" where nothing lacks.
    """

    name: str
    question: str
    findings: tuple[Finding, ...]
    would_change: tuple[str, ...]
    details: tuple[str, ...]
    missing: str = ""


@dataclasses.dataclass(frozen=True)
class Limit:
    """Something that the run does not show.

    Attributes:
      name: of a verdict or caveat.
      short: ends the sentence "Do not conclude ...".
      sentence: why.
    """

    name: str
    short: str
    sentence: str


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the page opens with.

    Attributes:
      cards: one per question, missing ones among them.
      limits: what must not be concluded.
    """

    cards: tuple[Card, ...]
    limits: tuple[Limit, ...]

    @property
    def paragraphs(self) -> list[str]:
        """All whole sentences, card by card."""
        return [
            text for card in self.cards for text in (*filter(None, [card.missing]), *card.details)
        ]
