"""The card on what a forest, or the edge of the image alone, achieves."""

from __future__ import annotations

from synthmed_jax import verdicts
from synthmed_jax.arms import ARMS
from synthmed_jax.report import card_numbers, card_words, wording
from synthmed_jax.report.card import Card, Finding, Number
from synthmed_jax.report.conclusions import Conclusions
from synthmed_jax.report.files import Contents
from synthmed_jax.report.findings import Headline
from synthmed_jax.report.floor_tables import FEATURES
from synthmed_jax.report.formats import n_is, percent
from synthmed_jax.report.shortcuts import RegionEvidence
from synthmed_jax.results.floors import MAJORITY, Floor

NAME = "floors"
QUESTION = "What does a forest, or the picture's edge alone, achieve?"
_NOT_TRIED = "The version that evaluated this workdir trained no forests."
_GRAVEST = (
    verdicts.AgainstFloors.WORSE,
    verdicts.AgainstFloors.NOT_SHOWN,
    verdicts.AgainstFloors.BETTER,
    verdicts.AgainstFloors.NOT_MEASURED,
)


def floor_card(contents: Contents, chosen: Headline, conclusions: Conclusions) -> Card:
    """Returns the card: a verdict per arm whose network was held against floors, and the edge's."""
    floors = () if contents.floors is None else contents.floors.floors
    of = "" if contents.floors is None else card_numbers.TEST_UNITS[contents.floors.unit]
    arms = {name: verdicts.judge_floors(floors, name) for name in chosen.cells}
    edge = _edge(floors, conclusions, of)
    findings = [
        _against(floors, name, verdict, chosen.cells[name].arm, of, contents.totals.test)
        for name, verdict in arms.items()
        if verdict is not verdicts.AgainstFloors.NOT_MEASURED
    ]
    missing = ""
    if not findings:
        words, tone = card_words.NOT_MEASURED
        nothing = verdicts.AgainstFloors.NOT_MEASURED.value
        findings = [Finding("Networks and forests", nothing, words, tone)]
        missing = (
            wording.not_run("evaluate", "no simple means beside the networks")
            if contents.evaluation is None
            else _NOT_TRIED
        )
    shown = arms.values() or (verdicts.AgainstFloors.NOT_MEASURED,)
    gravest = min(shown, key=_GRAVEST.index)
    details = [wording.unbeaten(each) for each in conclusions.unbeaten.values()]
    return Card(
        NAME,
        QUESTION,
        (*findings, edge),
        (card_words.FLOOR_CHANGES[gravest],),
        tuple(details),
        missing,
    )


def _against(
    floors: tuple[Floor, ...],
    kind: str,
    verdict: verdicts.AgainstFloors,
    arm: str,
    of: str,
    num_test: int,
) -> Finding:
    """A network beside the floor of its kind of arm that it is least ahead of.

    Args:
      kind: SYNTHETIC or REAL, as floors have it.
      arm: of the network: of the arms of real images, the one that is compared.
      of: what was drawn for intervals.
      num_test: test images.
    """
    words, tone = card_words.AGAINST_FLOORS[verdict]
    ahead = [
        (floor.network_ahead.estimate, floor)
        for floor in floors
        if floor.arm == kind and floor.network_ahead is not None
    ]
    nearest = min(ahead, key=lambda each: each[0])[1]
    numbers = []
    if nearest.network_ahead is not None:
        name = f"balanced accuracy, the network less {_called(nearest)}"
        numbers.append(card_numbers.difference(name, nearest.network_ahead, of))
    return Finding(
        f"The network trained on {ARMS[arm].says}",
        verdict.value,
        words,
        tone,
        (*numbers, _right(nearest, num_test)),
    )


def _called(floor: Floor) -> str:
    if floor.features == MAJORITY:
        return "the most frequent class"
    return f"a forest on {FEATURES[floor.features]}"


def _right(floor: Floor, num_test: int) -> Number:
    name = f"right: {_called(floor)}"
    shown, of = percent(floor.accuracy), "test images"
    return Number(
        name, floor.accuracy, None, None, None, num_test, of, shown, f"{n_is(num_test)} {of}"
    )


def _edge(floors: tuple[Floor, ...], conclusions: Conclusions, of: str) -> Finding:
    """The gravest verdict of the regions that show no finding, and what it rests on.

    Where the network uses a region: what it loses without it, and the best forest on such a region.
    """
    alone = [floor for floor in floors if floor.above_majority is not None]
    found = conclusions.shortcuts
    used: list[RegionEvidence] = []
    if found is not None and found.evidence is not None:
        verdict = found.evidence.verdict
        used = [e for e in found.evidence.regions if e.verdict is verdicts.Shortcut.USED]
    else:  # no network was probed: what the forests alone say
        above = [each.above_majority for each in alone if each.above_majority is not None]
        verdict = verdicts.judge_shortcut(above, None, None)
    words, tone = card_words.EDGES[verdict]
    numbers = [
        card_numbers.difference(
            f"balanced accuracy, the network less itself with the {each.probe.region} blanked",
            each.probe.loss,
            of,
        )
        for each in used
        if each.probe.loss is not None and each.probe.loss.is_above(verdicts.LOSS_ABOVE.value)
    ]
    of_used = [floor for each in used for floor in each.floors.values()]
    best = max(of_used or alone, key=lambda floor: floor.balanced_accuracy, default=None)
    if best is not None and best.above_majority is not None:
        name = f"balanced accuracy, {_called(best)} alone less the most frequent class"
        numbers.append(card_numbers.difference(name, best.above_majority, of))
    return Finding(
        "The picture's edge or background alone", verdict.value, words, tone, tuple(numbers)
    )
