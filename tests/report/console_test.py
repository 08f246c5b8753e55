import dataclasses
import json

from synthmed_jax.report import console
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.results.stored import unstructure


def answers(contents):
    """As report.json has them."""
    answer = make_answer(contents, conclude(contents))
    return json.loads(json.dumps({card.name: unstructure(card) for card in answer.cards})), answer


def test_three_questions_are_answered_in_plain_characters(contents):
    written, answer = answers(contents)
    lines = console.lines({"answers": written})
    shown = [card for card in answer.cards if card.name in ("D1", "D2", "release")]
    assert len(shown) == 3
    assert [line for line in lines if not line.startswith(" ")] == [c.question for c in shown]
    assert len(lines) == sum(1 + len(card.findings) for card in shown)
    assert all(line.isascii() for line in lines), lines
    first = shown[0].findings[0]
    assert lines[1].startswith(f"  {first.words}: ")
    assert "(95 % interval " in lines[1]


def test_a_trial_run_is_called_one_before_its_answers(contents):
    trial = dataclasses.replace(contents, config=contents.config | {"scale": "smoke"})
    written, answer = answers(trial)
    lines = console.lines({"answers": written, "not_to_conclude": unstructure(answer.limits)})
    assert lines == [
        "A trial run (scale smoke): its numbers and verdicts mean nothing.",
        *console.lines({"answers": written}),
    ]


def test_what_was_not_measured_is_said(contents):
    bare = dataclasses.replace(contents, evaluation=None, floors=None, memorisation=None)
    assert console.lines({"answers": answers(bare)[0]})[1] == "  Not measured"


def test_a_report_of_an_earlier_version_has_no_answers():
    assert console.lines({}) == []
