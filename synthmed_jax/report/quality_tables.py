"""More scores of every cell: class by class, of probabilities, of ensembles; and differences."""

from __future__ import annotations

from collections.abc import Sequence

from synthmed_jax.report.formats import DASH, TEST_IMAGES, n_is, p_value, short_name, signed
from synthmed_jax.results.evaluation import (
    CellDifference,
    CellScores,
    DeclaredDifference,
    Evaluation,
    Quality,
)
from synthmed_jax.results.section import Row, Table

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


def arm_tables(evaluation: Evaluation | None) -> list[Table]:
    """Returns the tables of differences between arms, the declared ones first."""
    if evaluation is None:
        return []
    tables = [_declared(evaluation.declared)] if evaluation.declared else []
    return [*tables, *difference_tables(evaluation.differences, TEST_IMAGES)]


def probability_tables(evaluation: Evaluation | None) -> list[Table]:
    """Returns the tables of probabilities and recalls on the real test images."""
    if evaluation is None:
        return []
    return score_tables(evaluation.cells, evaluation.class_names, TEST_IMAGES)


def score_tables(
    cells: Sequence[CellScores], class_names: Sequence[str], images: str
) -> list[Table]:
    """Returns the table of probabilities and that of recalls; none of cells without them.

    Args:
      class_names: all classes, in the order of the labels.
      images: what the cells were tested on, such as "real test images".
    """
    measured = [(cell, cell.quality) for cell in cells if cell.quality is not None]
    if not measured:
        return []
    return [
        Table(
            _COLUMNS,
            tuple(Row(short_name(c), _scores(c, q)) for c, q in measured),
            f"Means over trainings, on the {images}; {_SCORES}",
        ),
        Table(
            tuple(class_names),
            tuple(
                Row(short_name(c), tuple(_share(q.recalls[n]) for n in class_names))
                for c, q in measured
            ),
            f"Recall of each class, %: share of its {images} that are called so; mean over "
            "trainings.",
        ),
    ]


def difference_tables(differences: Sequence[CellDifference], images: str) -> list[Table]:
    """Returns the table of exploratory differences; nothing without any.

    Args:
      images: what they were measured on, such as "real test images".
    """
    if not differences:
        return []
    rows = tuple(
        Row(_pair(each), (*_interval(each), f"{each.p:.4f}", *_spread(each)))
        for each in differences
    )
    caption = (
        "Exploratory: each arm less the real one. Paired differences of balanced accuracy, "
        f"percentage points: bootstrap and permutation over {_units(differences[0], images)}; p is "
        f"not adjusted for the number of rows. {_UNCERTAINTY}"
    )
    columns = ("difference", "95 % interval", "p", "detectable", "over trainings")
    return [Table(columns, rows, caption)]


_SCORES = (
    "shares in %. AUROC: of each class against all others, averaged. Brier: 0 to 2. ECE: expected "
    "calibration error in 15 bins of equally many images; if calibrated: what it would show on "
    "average if all confidences were right; debiased: less an estimate of what the sampling of "
    "images adds. Temperature: fitted on the val images, above 1 where a network is too sure. At "
    "fit's prior: after the training set's shares of the classes were replaced by those of the "
    "real fit images. Ensemble: the mean probabilities of the trainings."
)


_UNCERTAINTY = (
    "Detectable: the true difference that would be found in 80 % of such sets of images. These "
    "speak of the choice of images, not of training again. Over trainings: the 95 % interval of "
    "the differences training by training; of folds, with Nadeau and Bengio's correction for the "
    "data that they share. It speaks of training again on the same images."
)


def _declared(declared: tuple[DeclaredDifference, ...]) -> Table:
    rows = tuple(
        Row(
            f"{each.estimand}: {_pair(each)}",
            (
                *_interval(each),
                signed(each.limit),
                p_value(each.p_above),
                p_value(each.p_adjusted),
                *_spread(each),
            ),
        )
        for each in declared
    )
    caption = (
        "What the run set out to estimate, declared before it: differences of balanced accuracy in "
        f"percentage points, paired, bootstrapped over {_units(declared[0], TEST_IMAGES)}. The "
        "lower end must lie above the limit. p: for the claim that it does, twice the one-sided "
        "one of a true difference at the limit; adjusted by Holm for these rows, which alone "
        "count as tests. "
        f"{_UNCERTAINTY}"
    )
    columns = (
        "difference",
        "95 % interval",
        "limit",
        "p",
        "p adjusted",
        "detectable",
        "over trainings",
    )
    return Table(columns, rows, caption)


def _pair(of: CellDifference) -> str:
    return f"{short_name(of.first)}, less {short_name(of.second)}"


def _units(of: CellDifference, images: str) -> str:
    units = f"groups of {images}" if of.unit == "group" else images
    return f"{n_is(of.difference.num_groups)} {units}"


def _interval(of: CellDifference) -> tuple[str, str]:
    found = of.difference
    return signed(found.estimate), f"{signed(found.low)} to {signed(found.high)}"


def _spread(of: CellDifference) -> tuple[str, str]:
    again = of.over_trainings
    over = DASH
    if again is not None and again.low is not None and again.high is not None:
        over = f"{signed(again.low)} to {signed(again.high)}"
    return f"{100 * of.difference.detectable:.1f}", over


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
