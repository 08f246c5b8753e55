import dataclasses

from synthmed_jax.report import console
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import conclude


def test_every_question_is_answered_in_plain_characters(contents):
    answer = make_answer(contents, conclude(contents))
    lines = console.lines(answer)
    assert [line for line in lines if not line.startswith(" ")] == [
        card.question for card in answer.cards
    ]
    assert len(lines) == sum(1 + len(card.findings) for card in answer.cards)
    assert all(line.isascii() for line in lines), lines
    first = answer.cards[0].findings[0]
    assert lines[1].startswith(f"  {first.words}: ")
    assert "(95 % interval " in lines[1]


def test_what_was_not_measured_is_said(contents):
    bare = dataclasses.replace(contents, evaluation=None, floors=None, memorisation=None)
    lines = console.lines(make_answer(bare, conclude(bare)))
    assert lines[1] == "  Not measured"
