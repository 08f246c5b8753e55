import dataclasses

import pytest

from synthmed_jax import verdicts
from synthmed_jax.report import card_words
from synthmed_jax.report.card import Tone
from synthmed_jax.report.cards import _not_excluded, make_answer
from synthmed_jax.report.conclusions import (
    AddingConclusion,
    ControlConclusion,
    MeasuredCell,
    conclude,
)
from synthmed_jax.report.formats import NBSP
from synthmed_jax.results.explanations import RegionProbe
from synthmed_jax.statistics.intervals import Estimate, Interval
from tests.report.conftest import group_estimate

MINUS = "\N{MINUS SIGN}"
NAMES = ["D1", "D2", "release", "floors", "control"]


def cards(contents, **changes):
    """Name -> card; changes: of the conclusions."""
    conclusions = dataclasses.replace(conclude(contents), **changes)
    made = make_answer(contents, conclusions)
    assert [card.name for card in made.cards] == NAMES
    return {card.name: card for card in made.cards}


def plain(text):
    return text.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (card_words.REPLACES, verdicts.Answer),
        (card_words.ADDS, verdicts.Answer),
        (card_words.RELEASES, verdicts.Release),
        (card_words.AGAINST_FLOORS, verdicts.AgainstFloors),
        (card_words.EDGES, verdicts.Shortcut),
        (card_words.CONTROLS, verdicts.Control),
        (card_words.REPLACE_CHANGES, verdicts.Answer),
        (card_words.ADD_CHANGES, verdicts.Answer),
        (card_words.FLOOR_CHANGES, verdicts.AgainstFloors),
        (card_words.CONTROL_CHANGES, verdicts.Control),
        (card_words.LIMITS, verdicts.Caveat),
    ],
)
def test_every_verdict_has_its_words(words, kind):
    assert set(words) == set(kind)


def test_no_verdict_calls_a_release_or_an_edge_safe():
    assert Tone.YES not in {tone for _, tone in card_words.RELEASES.values()}
    assert Tone.YES not in {tone for _, tone in card_words.EDGES.values()}


def replaced(contents, answer):
    """The card D1 of a run that answers so."""
    return cards(contents, arms=dataclasses.replace(conclude(contents).arms, answer=answer))["D1"]


@pytest.mark.parametrize(
    ("answer", "words", "tone", "change"),
    [
        ("shown", "Yes, up to 2.0 percentage points", "yes", "Another seed"),
        ("not shown", "Not shown", "open", "a true difference under 4.3 percentage points often"),
        (
            "refuted",
            "No, worse by over 2.0 percentage points",
            "no",
            "config.diffusion.train.steps",
        ),
        ("not measured", "Not measured", "missing", "An evaluation of both arms"),
    ],
)
def test_what_stands_in_for_real_images(contents, answer, words, tone, change):
    card = replaced(contents, verdicts.Answer(answer))
    (finding,) = card.findings
    assert (finding.verdict, finding.words, finding.tone) == (answer, words, tone)
    assert change in card.would_change[0]


def test_the_number_of_d1_is_the_paired_difference(contents):
    (finding,) = cards(contents)["D1"].findings
    gap, synthetic, real = finding.numbers
    assert (gap.value, gap.low, gap.high, gap.level, gap.n) == pytest.approx(
        (-0.155, -0.186, -0.124, 0.95, 60)
    )
    assert gap.text == f"{MINUS}15.5 points"
    assert plain(gap.detail) == (f"95 % interval {MINUS}18.6 to {MINUS}12.4, n = 60 test images")
    assert (plain(synthetic.text), plain(real.text)) == ("86.9 %", "95.3 %")
    assert (
        finding.power == "A true difference under 4.3 percentage points would often go unnoticed."
    )


def test_an_earlier_versions_gap_has_no_interval(contents):
    evaluation = dataclasses.replace(contents.evaluation, declared=())
    (finding,) = cards(dataclasses.replace(contents, evaluation=evaluation))["D1"].findings
    assert finding.verdict == "not measured"
    assert finding.numbers[0].value == pytest.approx(-0.155)
    assert finding.numbers[0].low is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [("shown", "Yes"), ("not shown", "Not shown"), ("refuted", "No, worse on these test images")],
)
def test_what_is_added(contents, answer, words):
    (first,) = contents.evaluation.declared
    cell = MeasuredCell(first.first, 0.9, Interval(0.8, 0.95, 0.95, "made up"))
    adding = AddingConclusion(verdicts.Answer(answer), first, cell, cell)
    (finding,) = cards(contents, adding=adding)["D2"].findings
    assert (finding.verdict, finding.words) == (answer, words)


def test_an_arm_that_lacks_is_a_missing_card(contents):
    card = cards(contents)["D2"]
    assert card.findings[0].tone is Tone.MISSING
    assert "No arm of both kinds" in card.missing
    assert "mixed_1to1" in card.would_change[0]


def test_each_arm_is_held_against_its_floors_and_the_edge_alone_is_judged(contents):
    real, synthetic = "The network trained on the real fit images", "synthetic images only"
    ring = next(f for f in contents.floors.floors if (f.features, f.arm) == ("ring", "real"))
    ring = dataclasses.replace(ring, above_majority=group_estimate(0.1, 0.05))
    floors = dataclasses.replace(contents.floors, floors=(*contents.floors.floors[1:], ring))
    findings = cards(dataclasses.replace(contents, floors=floors))["floors"].findings
    by = {finding.about: finding for finding in findings}
    assert by[real].verdict == "not shown to be better"
    assert by[real].numbers[0].value == pytest.approx(-0.021)
    assert "histogram" in by[real].numbers[0].name
    assert by[f"The network trained on {synthetic}"].words == "Better than every simple means"
    edge = by["The picture's edge or background alone"]
    assert (edge.verdict, edge.numbers[0].value) == ("possible", pytest.approx(0.1))


def test_a_region_that_the_network_uses_has_its_loss_first(contents):
    lost = group_estimate(0.07, 0.02)
    none = Estimate(0, None, None, None, None)
    probes = (
        RegionProbe("ring", 60, 0.1, none, 0.9, 0.83, lost),
        RegionProbe("corners", 60, 0.1, none, 0.9, 0.9, group_estimate(0.0, 0.01)),
    )
    used = dataclasses.replace(contents, lime=dataclasses.replace(contents.lime, probes=probes))
    edge = cards(used)["floors"].findings[-1]
    assert edge.verdict == "used"
    assert edge.numbers[0].value == lost.estimate
    assert "with the ring blanked" in edge.numbers[0].name


def test_a_control_at_chance_says_what_it_does_not_exclude():
    wide = ControlConclusion(verdicts.Control.AT_CHANCE, Estimate(3, 0.3, 0.1, 0.03, 0.64), 0.25)
    said = _not_excluded(wide)
    assert said.startswith("A leak of up to 39.0 percentage points is not excluded.")
    above = dataclasses.replace(wide, verdict=verdicts.Control.ABOVE)
    assert _not_excluded(above) == ""


def test_the_arm_whose_network_was_held_against_floors_is_named(contents):
    *others, real = contents.evaluation.cells
    cells = (*others, dataclasses.replace(real, arm="real_augmented"))
    evaluation = dataclasses.replace(contents.evaluation, cells=cells, declared=())
    findings = cards(dataclasses.replace(contents, evaluation=evaluation))["floors"].findings
    assert findings[1].about.startswith("The network trained on the real fit images, augmented")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (verdicts.Control.AT_CHANCE, "Not shown to leave chance"),
        (verdicts.Control.ABOVE, "No: above chance"),
    ],
)
def test_the_control(contents, verdict, words):
    control = ControlConclusion(verdict, Estimate(3, 0.4, 0.02, 0.35, 0.45), 1 / 3)
    (finding,) = cards(contents, control=control)["control"].findings
    assert (finding.verdict, finding.words) == (verdict.value, words)
    (number,) = finding.numbers
    assert (number.value, number.low, number.n) == (0.4, 0.35, 3)
    assert "chance: 33.3 %" in plain(number.detail)


def test_without_any_stage_each_question_has_a_missing_card(contents):
    nothing = dataclasses.replace(contents, evaluation=None, fidelity=None, lime=None, floors=None)
    for card in cards(nothing).values():
        assert card.findings[0].tone is Tone.MISSING
        assert "has not run" in card.missing
        assert card.would_change


def limits(contents, **changes):
    conclusions = dataclasses.replace(conclude(contents), **changes)
    return make_answer(contents, conclusions).limits


def test_what_not_to_conclude_is_said_with_its_reason(contents):
    named = {limit.name: limit for limit in limits(contents)}
    assert named["split by image"].short == "how well it works for new patients"
    assert named["split by image"].sentence.startswith("The split is by image")
    assert "not shown" not in named
    arms = dataclasses.replace(conclude(contents).arms, answer=verdicts.Answer.NOT_SHOWN)
    first = limits(contents, arms=arms)[0]
    assert "no proof of the opposite" in first.sentence
