"""Which trained networks stand for an arm: chosen by validation, test numbers play no part."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from synthmed_jax.results.evaluation import BestNetwork, CellScores

SYNTHETIC, REAL = "synthetic", "real"
RULE = (
    "lowest mean validation loss over trainings among the {arm} arm's cells with all images, "
    "then the training of lowest validation loss; test numbers play no part"
)


def of_arm(cells: Sequence[CellScores], arm: str) -> CellScores | None:
    """The cell of an arm with the lowest mean validation loss over trainings, never by test.

    Cells of fewer images than others of the arm are points of a curve, and not asked. Ties go to
    the first by backbone, ratio and seed. None where no cell is of that arm.
    """
    there = [cell for cell in cells if cell.arm == arm]
    most = max((_size(cell) for cell in there), default=0.0)
    competing = [cell for cell in there if _size(cell) == most]
    return min(competing, key=_rank, default=None)


def _size(cell: CellScores) -> float:
    return math.inf if cell.n is None else float(np.sum(cell.n))


def _rank(cell: CellScores) -> tuple[float, str, float, int]:
    loss = float(np.mean([_validation_loss(fold.val_loss) for fold in cell.folds]))
    return loss, cell.backbone, cell.ratio, cell.seed


def of_arms(cells: Mapping[str, CellScores], arms: Sequence[str]) -> CellScores | None:
    """The cell with the lowest mean validation loss of some arms; None where none is there.

    Args:
      cells: arm -> its cell.
    """
    return min((cells[arm] for arm in arms if arm in cells), key=_rank, default=None)


def headline(cells: Sequence[CellScores]) -> dict[str, CellScores]:
    """Arm -> the cell that the report is about first, of the arms that have one.

    The synthetic arm's best; of each other arm its best of the same network, or else of all.
    """
    synthetic = of_arm(cells, SYNTHETIC)
    same = [cell for cell in cells if synthetic and cell.backbone == synthetic.backbone]
    arms = dict.fromkeys((SYNTHETIC, REAL, *(cell.arm for cell in cells)))
    chosen = {arm: of_arm(same, arm) or of_arm(cells, arm) for arm in arms}
    return {arm: cell for arm, cell in chosen.items() if cell is not None}


def network(cells: Sequence[CellScores], arm: str = "synthetic") -> BestNetwork:
    """The best network of an arm: of its best cell the training of lowest validation loss.

    Raises:
      ValueError: no cell is of that arm.
    """
    best = of_arm(cells, arm)
    if best is None:
        raise ValueError(f"no cell of the arm {arm!r} to choose the best network from")
    fold = min(best.folds, key=lambda fold: (_validation_loss(fold.val_loss), fold.fold))
    rule = RULE.format(arm=arm)
    return BestNetwork(**dataclasses.asdict(best.cell), fold=fold.fold, rule=rule)


def _validation_loss(loss: float) -> float:
    # A diverged fold must not win, and NaN compares as anything.
    return math.inf if math.isnan(loss) else loss
