"""The table of results: the columns of the paper's Table 2, a row per cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from synthmed_jax.arms import ARMS
from synthmed_jax.data.counted import counted
from synthmed_jax.report.files import Contents, Fold
from synthmed_jax.report.formats import PLUS_MINUS, amount, n_is
from synthmed_jax.results.evaluation import BestNetwork, CellScores, Evaluation

# In the paper's order: (attribute of `Scores`, heading, is a share of 1).
COLUMNS = (
    ("train_loss", "train loss", False),
    ("val_loss", "val. loss", False),
    ("test_loss", "test loss", False),
    ("train_accuracy", "train acc.", True),
    ("val_accuracy", "val. acc.", True),
    ("test_accuracy", "test acc.", True),
    ("precision", "precision", True),
    ("recall", "recall", True),
    ("f1", "F1", True),
)
HEADINGS = tuple(heading for _, heading, _ in COLUMNS)


@dataclasses.dataclass(frozen=True)
class MeanAndSpread:
    """A mean over trainings, and its spread ("" for a single one), as texts."""

    mean: str
    std: str


@dataclasses.dataclass(frozen=True)
class ResultRow:
    """A cell's row, all texts: network, training set, numbers of images, and its values."""

    name: str
    trained_on: str
    sizes: str
    values: tuple[MeanAndSpread, ...]


def result_rows(contents: Contents) -> list[ResultRow]:
    """Returns the row of every cell of the evaluation."""
    if contents.evaluation is None:
        return []
    return [_row(cell, contents.folds_of(cell)) for cell in contents.evaluation.cells]


def _row(cell: CellScores, folds: Sequence[Fold]) -> ResultRow:
    return ResultRow(
        cell.backbone,
        f"{cell.arm}: {amount(cell)}, seed {cell.seed}",
        _sizes(folds, len(cell.folds)),
        tuple(_value(cell, attribute, share) for attribute, _, share in COLUMNS),
    )


def _value(cell: CellScores, attribute: str, share: bool) -> MeanAndSpread:
    mean = _number(getattr(cell.mean, attribute), share)
    if cell.std is None:
        return MeanAndSpread(mean, "")
    return MeanAndSpread(mean, f"{PLUS_MINUS} {_number(getattr(cell.std, attribute), share)}")


def _number(value: float, share: bool) -> str:
    return f"{100 * value:.1f}" if share else f"{value:.3f}"


def _sizes(folds: Sequence[Fold], count: int) -> str:
    """How many images each training trained and validated on, and in how many steps."""
    results = [fold.result for fold in folds if fold.result is not None]
    texts = [counted(count, "training")]
    if results:
        texts.append(f"steps {_range(result.steps for result in results)}")
        texts.append(f"train {n_is(_range(result.num_train for result in results))}")
        texts.append(f"val {n_is(_range(result.num_val for result in results))}")
    return ", ".join(texts)


def _range(sizes: Iterable[int]) -> str:
    ordered = sorted(set(sizes))
    return "-".join(map(str, dict.fromkeys((ordered[0], ordered[-1]))))


def caption(contents: Contents) -> str:
    """Returns what the columns are of; nothing without results."""
    if contents.evaluation is None:
        return ""
    return (
        f"Mean and standard deviation over trainings (after {PLUS_MINUS}). Losses are "
        "cross-entropy in nats; accuracy, precision, recall and F1 are in %, the last three "
        f"averaged over the {len(contents.evaluation.class_names)} classes. Test columns, "
        "precision, recall and F1: "
        f"{n_is(contents.evaluation.num_test)} real images, the same for every training. Train "
        f"columns are on images of the row's own arm, val. columns on {_validated_on(contents)}."
        f"{_smoothed(contents)}"
    )


def _validated_on(contents: Contents) -> str:
    if contents.setting("classifier.selection", "synthetic") == "val":
        same = f"the real val images ({n_is(contents.totals.val)}), the same for every row"
        cells = () if contents.evaluation is None else contents.evaluation.cells
        if all(ARMS[each.arm].learns for each in cells):
            return same
        # No file of a training says which it was.
        return (
            f"{same}; in rows of shuffled labels theirs are shuffled too (in trainings by early "
            "versions of this program they were the right ones)"
        )
    return "those of that arm that a fold leaves out"


def _smoothed(contents: Contents) -> str:
    smoothing = contents.setting("classifier.label_smoothing", 0.0)
    if not smoothing:
        return ""
    return (
        f" The train loss alone is taken against labels of which {smoothing:g} is spread over all "
        "classes: it can't reach 0, nor be compared with the other losses."
    )


def best_network(evaluation: Evaluation | None) -> str:
    """Returns which network is the run's best, and by what rule."""
    return "" if evaluation is None else _network(evaluation.best)


def _network(best: BestNetwork) -> str:
    return (
        f"{best.backbone} of the arm {best.arm} ({amount(best)}, seed {best.seed}), "
        f"training {best.fold}; rule: {best.rule}"
    )
