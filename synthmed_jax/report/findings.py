"""Which of a run's numbers the report shows first: chosen by validation, never by test."""

from __future__ import annotations

import dataclasses

import numpy as np

from synthmed_jax import best_cells
from synthmed_jax.arms import SHUFFLED
from synthmed_jax.estimands import REPLACE
from synthmed_jax.report.files import Contents, Fold
from synthmed_jax.results.cells import Choice
from synthmed_jax.results.evaluation import CellScores, Evaluation

# The two kinds of arms whose difference is the report's question.
SYNTHETIC, REAL = best_cells.SYNTHETIC, best_cells.REAL
# The names that a fold's validation sets have in result.json.
LEFT_OUT, REAL_VAL = "fold", "real_val"


@dataclasses.dataclass(frozen=True)
class Headline:
    """The cells that the answer is about; None where no cell is of that arm.

    Attributes:
      synthetic: the best of the synthetic arm.
      real: the best of the arms of real images, of the same network where there is one.
      control: of shuffled labels, likewise.
    """

    synthetic: CellScores | None
    real: CellScores | None
    control: CellScores | None = None

    @property
    def cells(self) -> dict[str, CellScores]:
        """SYNTHETIC, REAL -> its cell, of those that have one."""
        cells = {SYNTHETIC: self.synthetic, REAL: self.real}
        return {kind: cell for kind, cell in cells.items() if cell is not None}

    @property
    def same_network(self) -> bool:
        """Whether one network is compared with itself."""
        return (
            self.synthetic is not None
            and self.real is not None
            and self.synthetic.backbone == self.real.backbone
        )


def headline(evaluation: Evaluation | None) -> Headline:
    """Chooses the cells of the answer."""
    if evaluation is None:
        return Headline(None, None)
    chosen = best_cells.headline(evaluation.cells)
    return Headline(
        chosen.get(SYNTHETIC),
        best_cells.of_arms(chosen, REPLACE.second),
        chosen.get(SHUFFLED),
    )


def best_of_each_arm(evaluation: Evaluation) -> dict[str, CellScores]:
    """Returns arm -> its best cell, in the order in which arms first occur."""
    arms = dict.fromkeys(cell.arm for cell in evaluation.cells)
    best = {arm: best_cells.of_arm(evaluation.cells, arm) for arm in arms}
    return {arm: cell for arm, cell in best.items() if cell is not None}


def amounts_curve(evaluation: Evaluation) -> tuple[CellScores, ...]:
    """Returns the cells of the synthetic arm's network of the answer, of all amounts.

    Nothing where it was trained on one number of images alone.
    """
    best = best_cells.of_arm(evaluation.cells, SYNTHETIC)
    if best is None:
        return ()
    cells = tuple(
        cell
        for cell in evaluation.cells
        if (cell.arm, cell.backbone, cell.seed) == (best.arm, best.backbone, best.seed)
    )
    return cells if len({cell.n for cell in cells}) > 1 else ()


def confusion_sum(cell: CellScores) -> np.ndarray:
    """Returns i64[K,K], the confusion matrices (row: true class) summed over the folds."""
    return np.sum([fold.confusion for fold in cell.folds], axis=0)


@dataclasses.dataclass(frozen=True)
class EpochChoices:
    """What choosing the epoch by either validation set comes to.

    Attributes:
      by_left_out: accuracy on the real `val` images of the epochs that images left out of the
        training set choose; share of 1, mean over folds.
      by_real_val: the same of the epochs that those `val` images themselves would choose.
      num_folds: that the means are of.
    """

    by_left_out: float
    by_real_val: float
    num_folds: int


def epoch_choices(contents: Contents, cell: CellScores) -> EpochChoices | None:
    """Compares a cell's two choices of epochs; None where a fold does not have both."""
    choices = [_choices(fold) for fold in contents.folds_of(cell)]
    if not choices or not all({LEFT_OUT, REAL_VAL} <= of_fold.keys() for of_fold in choices):
        return None
    by_left_out, by_real_val = (
        sum(of_fold[by].scores[REAL_VAL].accuracy for of_fold in choices) / len(choices)
        for by in (LEFT_OUT, REAL_VAL)
    )
    return EpochChoices(by_left_out, by_real_val, len(choices))


def _choices(fold: Fold) -> dict[str, Choice]:
    return {} if fold.result is None else fold.result.choices
