"""More scores of every cell: class by class, of probabilities, of ensembles; and differences."""

from __future__ import annotations

from synthmed_jax.report.formats import DASH, n_is, signed
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellDifference, CellScores, Evaluation, Quality
from synthmed_jax.results.section import Row, Table
from synthmed_jax.statistics.intervals import Estimate

_COLUMNS = (
    "balanced acc.",
    "AUROC",
    "Brier",
    "ECE",
    "ECE if calibrated",
    "ECE debiased",
    "temperature",
    "test loss at it",
    "acc. at fit's prior",
    "ensemble acc.",
    "ensemble balanced",
)


def quality_tables(evaluation: Evaluation | None) -> list[Table]:
    """Returns the tables of what `evaluate` measured beside the columns of the paper's table."""
    if evaluation is None:
        return []
    measured = [(cell, cell.quality) for cell in evaluation.cells if cell.quality is not None]
    tables = []
    if evaluation.differences:
        tables.append(_differences(evaluation.differences))
    if measured:
        tables += [
            Table(_COLUMNS, tuple(Row(_name(c), _scores(c, q)) for c, q in measured), _CAPTION),
            Table(
                evaluation.class_names,
                tuple(
                    Row(_name(c), tuple(_share(q.recalls[n]) for n in evaluation.class_names))
                    for c, q in measured
                ),
                "Recall of each class, %: share of its real test images that are called so; mean "
                "over folds.",
            ),
        ]
    return tables


_CAPTION = (
    "Means over folds, on the real test images; shares in %. AUROC: of each class against all "
    "others, averaged. Brier: 0 to 2. ECE: expected calibration error in 15 bins of equally many "
    "images; if calibrated: what it would show on average if all confidences were right; debiased: "
    "less an estimate of what the sampling of images adds. Temperature: fitted on the val images, "
    "above 1 where a network is too sure. At fit's prior: after the training set's shares of the "
    "classes were replaced by those of the real fit images. Ensemble: the mean probabilities of "
    "the folds."
)


def _differences(differences: tuple[CellDifference, ...]) -> Table:
    rows = tuple(
        Row(
            f"{_name(each.first)}, less {_name(each.second)}",
            (
                signed(each.difference.estimate),
                f"{signed(each.difference.low)} to {signed(each.difference.high)}",
                f"{each.p:.4f}",
                f"{each.p_adjusted:.4f}",
                f"{100 * each.difference.detectable:.1f}",
                _over_folds(each.over_folds),
            ),
        )
        for each in differences
    )
    first = differences[0]
    units = "groups of test images" if first.unit == "group" else "test images"
    caption = (
        "Paired differences of balanced accuracy, percentage points: bootstrap and permutation "
        f"over {n_is(first.difference.num_groups)} {units}. p adjusted: by Holm, for the rows of "
        "this table. Detectable: the true difference that would be found in 80 % of such test "
        "sets. These speak of the choice of test images, not of training again. Over folds: the "
        "95 % interval of the differences fold by fold, with Nadeau and Bengio's correction for "
        "the data that folds share; it speaks of training again on parts of the same images."
    )
    columns = ("difference", "95 % interval", "p", "p adjusted", "detectable", "over folds")
    return Table(columns, rows, caption)


def _over_folds(of: Estimate | None) -> str:
    if of is None or of.low is None or of.high is None:
        return DASH
    return f"{signed(of.low)} to {signed(of.high)}"


def _name(cell: Cell) -> str:
    return "{backbone}, {arm}, n {n}".format(**cell.texts)


def _scores(cell: CellScores, quality: Quality) -> tuple[str, ...]:
    error, tempered, ensemble = quality.calibration, quality.tempered, quality.ensemble
    return (
        _share(cell.mean.balanced_accuracy),
        _number(quality.auroc),
        _number(quality.brier),
        _share(error.plain),
        _share(error.if_calibrated),
        _share(error.debiased),
        DASH if tempered is None else f"{tempered.temperature:.2f}",
        _number(None if tempered is None else tempered.loss),
        _share(quality.prior_corrected_accuracy),
        _share(None if ensemble is None else ensemble.accuracy),
        _share(None if ensemble is None else ensemble.balanced_accuracy),
    )


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"
