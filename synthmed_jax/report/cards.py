"""Makes the answer's cards from verdicts and their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from synthmed_jax import verdicts
from synthmed_jax.arms import SHUFFLED
from synthmed_jax.estimands import ADD, REPLACE, Estimand
from synthmed_jax.report import card_numbers, card_words, caveats, wording
from synthmed_jax.report.card import Answer, Card, Finding, Limit, Number, Tone
from synthmed_jax.report.conclusions import Conclusions, ControlConclusion
from synthmed_jax.report.files import Contents
from synthmed_jax.report.findings import Headline, headline
from synthmed_jax.report.floor_card import floor_card
from synthmed_jax.report.formats import of_trainings, percent, points
from synthmed_jax.report.release_card import release_card
from synthmed_jax.results.evaluation import DeclaredDifference

CONTROL = "control"
_CONTROL_QUESTION = "Do networks that learn shuffled labels stay at chance?"
_GAP = "balanced accuracy, synthetic less real images"
_GAIN = "balanced accuracy, both kinds less real images with augmentation"


def make_answer(contents: Contents, conclusions: Conclusions) -> Answer:
    """Returns a card per question, whether or not it was measured, and what not to conclude."""
    chosen = headline(contents.evaluation)
    cards = (
        _replace(contents, chosen, conclusions),
        _add(contents, conclusions),
        release_card(contents, conclusions),
        floor_card(contents, chosen, conclusions),
        _control(contents, conclusions.control),
    )
    return Answer(cards, tuple(_limits(contents, conclusions, cards)))


def unmeasured(
    name: str, question: str, missing: str, would_change: str, details: Sequence[str] = ()
) -> Card:
    """Returns the card of a question that nothing answers.

    Args:
      missing: the sentence that says what was not made.
      would_change: what would give an answer.
    """
    words, tone = card_words.NOT_MEASURED
    nothing = Finding("", verdicts.Answer.NOT_MEASURED.value, words, tone)
    return Card(name, question, (nothing,), (would_change,), tuple(details), missing)


def _replace(contents: Contents, chosen: Headline, conclusions: Conclusions) -> Card:
    found, evaluation = conclusions.arms, contents.evaluation
    details = [wording.trained_on_synthetic(contents, chosen)]
    if evaluation is not None:
        details.append(wording.trained_on_real(contents, chosen))
    if found is None or evaluation is None:
        lacking = details[0] if chosen.synthetic is None else details[-1]
        rest = [text for text in details if text != lacking]
        changes = card_words.REPLACE_CHANGES[verdicts.Answer.NOT_MEASURED]
        return unmeasured(REPLACE.name, REPLACE.question, lacking, changes, rest)
    gap = card_numbers.without_interval(_GAP, -found.balanced_gap)
    if found.compared is not None:
        gap = _difference(_GAP, found.compared)
    cells = (found.synthetic, found.real)
    rates = [card_numbers.right(cell, evaluation.num_test) for cell in cells]
    finding = _finding(found.answer, card_words.REPLACES, found.compared, (gap, *rates))
    return _card(
        REPLACE,
        finding,
        card_words.REPLACE_CHANGES[found.answer],
        found.compared,
        (wording.arms(found), *details),
    )


def _add(contents: Contents, conclusions: Conclusions) -> Card:
    found, evaluation = conclusions.adding, contents.evaluation
    if found is None or evaluation is None:
        lacking = (
            wording.not_run("evaluate", "no answer")
            if evaluation is None
            else "No arm of both kinds of images was compared with real images and augmentation."
        )
        changes = card_words.ADD_CHANGES[verdicts.Answer.NOT_MEASURED]
        return unmeasured(ADD.name, ADD.question, lacking, changes)
    gain = _difference(_GAIN, found.compared)
    cells = (found.mixed, found.augmented)
    rates = [card_numbers.right(cell, evaluation.num_test) for cell in cells]
    finding = _finding(found.answer, card_words.ADDS, found.compared, (gain, *rates))
    changes = card_words.ADD_CHANGES[found.answer]
    return _card(ADD, finding, changes, found.compared, (wording.adding(found),))


def _finding(
    answer: verdicts.Answer,
    table: dict[verdicts.Answer, tuple[str, Tone]],
    compared: DeclaredDifference | None,
    numbers: tuple[Number, ...],
) -> Finding:
    words, tone = table[answer]
    power = ""
    if compared is not None:
        words = words.format(margin=points(compared.limit))
        missed = points(compared.difference.detectable)
        power = f"A true difference under {missed} would often go unnoticed."
    return Finding("", answer.value, words, tone, numbers, power)


def _card(
    estimand: Estimand,
    finding: Finding,
    changes: str,
    compared: DeclaredDifference | None,
    details: tuple[str, ...],
) -> Card:
    if compared is not None:
        changes = changes.format(detectable=points(compared.difference.detectable))
    return Card(estimand.name, estimand.question, (finding,), (changes,), details)


def _difference(name: str, compared: DeclaredDifference) -> Number:
    return card_numbers.difference(
        name, compared.difference, card_numbers.TEST_UNITS[compared.unit]
    )


def _control(contents: Contents, found: ControlConclusion | None) -> Card:
    if found is None:
        lacking = (
            wording.not_run("evaluate", "no control")
            if contents.evaluation is None
            else f"The arm {SHUFFLED} was not trained, so there is no control."
        )
        return unmeasured(CONTROL, _CONTROL_QUESTION, lacking, card_words.NO_CONTROL)
    of = found.balanced
    words, tone = card_words.CONTROLS[found.verdict]
    numbers = []
    if of.mean is not None:
        ends = ""
        if of.low is not None and of.high is not None:
            ends = f"95 % interval {percent(max(of.low, 0))} to {percent(min(of.high, 1))}, "
        numbers.append(
            Number(
                "balanced accuracy after learning shuffled labels",
                of.mean,
                of.low,
                of.high,
                None if of.low is None else 0.95,
                of.n,
                "trainings",
                percent(of.mean),
                f"{ends}{of_trainings(of.n)}; chance: {percent(found.chance)}",
            )
        )
    return Card(
        CONTROL,
        _CONTROL_QUESTION,
        (Finding("", found.verdict.value, words, tone, tuple(numbers), _not_excluded(found)),),
        (card_words.CONTROL_CHANGES[found.verdict],),
        (wording.control(found),),
    )


def _not_excluded(found: ControlConclusion) -> str:
    """What a control at chance may have missed, and what it can't see."""
    high = found.balanced.high
    if high is None or found.verdict is not verdicts.Control.AT_CHANCE:
        return ""
    return (
        f"A leak of up to {points(min(high, 1) - found.chance)} is not excluded. It is leaks of "
        "the labels that this control sees; cues beside the finding stand in the card before it."
    )


def _limits(contents: Contents, conclusions: Conclusions, cards: Sequence[Card]) -> list[Limit]:
    said = {finding.verdict for card in cards for finding in card.findings}
    of_verdicts = [
        Limit(verdict.value, short, sentence)
        for verdict, (short, sentence) in card_words.NO_PROOFS.items()
        if verdict.value in said
    ]
    sentences = caveats.sentences(contents, conclusions)
    of_run = [
        Limit(caveat.value, card_words.LIMITS[caveat], sentence)
        for caveat, sentence in zip(conclusions.caveats, sentences, strict=True)
    ]
    return [*of_verdicts, *of_run]
