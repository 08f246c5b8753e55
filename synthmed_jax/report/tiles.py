"""The largest numbers of the page."""

from __future__ import annotations

import dataclasses

from synthmed_jax.arms import ARMS
from synthmed_jax.report.conclusions import ArmsConclusion
from synthmed_jax.report.files import Contents
from synthmed_jax.report.findings import Headline
from synthmed_jax.report.formats import interval, n_is, percent, signed_interval
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.fidelity import Fidelity
from synthmed_jax.verdicts import Direction

SIGNS = {Direction.LOWER: "\N{MINUS SIGN}", Direction.EQUAL: "", Direction.HIGHER: "+"}


@dataclasses.dataclass(frozen=True)
class Tile:
    """A number, what it is, and its n and uncertainty, as texts."""

    value: str
    label: str
    detail: str


def make_tiles(contents: Contents, chosen: Headline, arms: ArmsConclusion | None) -> list[Tile]:
    """Returns the tiles of what has been measured."""
    tiles = []
    if contents.evaluation is not None:
        num_test = contents.evaluation.num_test
        tiles += [_accuracy(cell, num_test) for cell in chosen.cells.values()]
    if arms is not None:
        value = f"{SIGNS[arms.direction]}{abs(100 * arms.balanced_gap):.1f}"
        label = "percentage points of balanced accuracy, synthetic less real"
        tiles.append(Tile(value, label, _uncertainty(arms)))
    if contents.fidelity is not None and contents.fidelity.ratio is not None:
        tiles.append(_distance(contents.fidelity, contents.fidelity.ratio))
    return tiles


def _uncertainty(arms: ArmsConclusion) -> str:
    if arms.compared is None:
        return "difference of the two means"
    return f"paired difference; {signed_interval(arms.compared.difference)}"


def _accuracy(cell: CellScores, num_test: int) -> Tile:
    return Tile(
        percent(cell.mean.test_accuracy),
        f"right on real test images, trained on {ARMS[cell.arm].says}",
        f"{interval(cell.accuracy_interval)}; {len(cell.folds)} trainings, {n_is(num_test)} "
        "test images",
    )


def _distance(fidelity: Fidelity, ratio: float) -> Tile:
    return Tile(
        f"{ratio:.2f}",
        "nearest distance over that of unseen real images; well under 1 hints at copies",
        f"{n_is(fidelity.num_synthetic)} synthetic, {fidelity.num_val} val images",
    )
