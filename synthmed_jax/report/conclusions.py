"""Every verdict of a run beside the numbers and thresholds that it follows from.

These are the "verdicts" of report.json; `wording` puts the same objects into sentences.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthmed_jax import best_cells, verdicts
from synthmed_jax.data.settings import NEAR_DUPLICATES
from synthmed_jax.estimands import ADD, REPLACE, Estimand
from synthmed_jax.report.detectable import Detectable, detectable
from synthmed_jax.report.files import Contents
from synthmed_jax.report.findings import (
    EpochChoices,
    Headline,
    best_of_each_arm,
    epoch_choices,
    headline,
)
from synthmed_jax.report.shortcuts import ShortcutEvidence, weigh
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import CellScores, DeclaredDifference, Evaluation
from synthmed_jax.results.explanations import Alarm, LimeSummary, TwoSampleRow
from synthmed_jax.results.fidelity import Fidelity
from synthmed_jax.results.floors import Floor
from synthmed_jax.results.release import Release
from synthmed_jax.statistics.intervals import Estimate, Interval, mean_estimate
from synthmed_jax.verdicts import Threshold


@dataclasses.dataclass(frozen=True)
class BestOfArm:
    """The best cell of an arm, its mean validation loss in nats, and the rule in words."""

    cell: Cell
    val_loss: float
    rule: str


@dataclasses.dataclass(frozen=True)
class MeasuredCell:
    """A cell with its mean accuracy on the test images, share of 1."""

    cell: Cell
    test_accuracy: float
    interval: Interval


@dataclasses.dataclass(frozen=True)
class ArmsConclusion:
    """The synthetic arm against the best one of real images: the first estimand.

    Attributes:
      verdict: by the interval of the paired difference.
      answer: to the estimand's question.
      direction: of the synthetic arm, seen from the real one.
      gap: real minus synthetic mean accuracy, share of 1.
      balanced_gap: the same of balanced accuracies, which the verdicts are about.
      compared: the paired difference; None where an earlier version evaluated.
      synthetic, real: what was compared.
    """

    verdict: verdicts.Difference
    answer: verdicts.Answer
    direction: verdicts.Direction
    gap: float
    balanced_gap: float
    compared: DeclaredDifference | None
    synthetic: MeasuredCell
    real: MeasuredCell


@dataclasses.dataclass(frozen=True)
class AddingConclusion:
    """Real and synthetic images together against real ones with augmentation: the second estimand.

    Attributes:
      answer: to its question.
      compared: the paired difference.
      mixed, augmented: what was compared.
    """

    answer: verdicts.Answer
    compared: DeclaredDifference
    mixed: MeasuredCell
    augmented: MeasuredCell


@dataclasses.dataclass(frozen=True)
class ControlConclusion:
    """The arm of shuffled labels.

    Attributes:
      verdict: whether it came out at chance.
      balanced: accuracy, mean over its trainings with Student's interval; shares of 1.
      chance: 1 over the number of classes.
    """

    verdict: verdicts.Control
    balanced: Estimate
    chance: float


@dataclasses.dataclass(frozen=True)
class UnbeatenFloor:
    """A floor, and the network of its arm that is not shown to be better."""

    floor: Floor
    network: MeasuredCell


@dataclasses.dataclass(frozen=True)
class ValidationConclusion:
    """What validation promised for the synthetic arm's best cell, and what the test showed.

    Attributes:
      verdict: whether it promised too much.
      cell: which is spoken of.
      val_accuracy, test_accuracy: means over trainings, shares of 1.
      gap: the first minus the second.
      choices: of epochs, by either validation set; None where folds do not have both.
    """

    verdict: verdicts.Validation
    cell: Cell
    val_accuracy: float
    test_accuracy: float
    gap: float
    choices: EpochChoices | None


@dataclasses.dataclass(frozen=True)
class CopyingConclusion:
    """How near the synthetic images lie to the training images.

    Attributes:
      verdict: of all images together; it says nothing of a single one.
      ratio: see `Fidelity.ratio`.
      nearer_below, farther_above: what the ratio was held against.
    """

    verdict: verdicts.Copying
    ratio: float | None
    nearer_below: Threshold
    farther_above: Threshold


@dataclasses.dataclass(frozen=True)
class SmallClasses:
    """Class -> its number of `fit` images, of the classes with too few."""

    classes: dict[str, int]
    fewer_than: Threshold


@dataclasses.dataclass(frozen=True)
class Shortcuts:
    """Where the edge of the image explains a class.

    Attributes:
      alarms: kind ("real", "synthetic") -> its classes.
      above: what an edge's share was held against.
      num_unsure: images of which this is not known.
      evidence: of ring, corners and background; None where an earlier version explained.
    """

    alarms: dict[str, tuple[Alarm, ...]]
    above: Threshold
    num_unsure: int
    evidence: ShortcutEvidence | None


@dataclasses.dataclass(frozen=True)
class Differences:
    """Numbers about explanations that differ between real and synthetic images.

    Attributes:
      listed: the tests that find a difference, the surest first.
      num_tests: that were made.
      q_below: what their adjusted p was held against.
      detectable: what the others would have found; None where all find a difference.
    """

    listed: tuple[TwoSampleRow, ...]
    num_tests: int
    q_below: Threshold
    detectable: Detectable | None


@dataclasses.dataclass(frozen=True)
class Conclusions:
    """All verdicts; None where the stage that measures has not run, or an arm is missing.

    Attributes:
      best: arm -> its best cell.
      unbeaten: arm -> the floor that its network is not shown to be better than; an arm whose
        network beats all floors, or was not held against any, is not there.
      release: the verdict on each kind of release; none where the audit did not judge them.
      caveats: what a reader of the others must know.
    """

    best: dict[str, BestOfArm]
    arms: ArmsConclusion | None
    adding: AddingConclusion | None
    control: ControlConclusion | None
    unbeaten: dict[str, UnbeatenFloor]
    validation: ValidationConclusion | None
    copying: CopyingConclusion | None
    small_classes: SmallClasses
    shortcuts: Shortcuts | None
    differences: Differences | None
    release: tuple[Release, ...]
    caveats: tuple[verdicts.Caveat, ...]


TRIAL_SCALE = "smoke"  # configs/base.py


def conclude(contents: Contents) -> Conclusions:
    """Judges what the workdir holds."""
    evaluation, lime = contents.evaluation, contents.lime
    chosen = headline(evaluation)
    return Conclusions(
        best={} if evaluation is None else _best(best_of_each_arm(evaluation)),
        arms=None if evaluation is None else _arms(evaluation, chosen),
        adding=None if evaluation is None else _adding(evaluation),
        control=_control(chosen.control),
        unbeaten=_unbeaten(contents, chosen),
        validation=_validation(contents, chosen),
        copying=_copying(contents.fidelity),
        small_classes=SmallClasses(verdicts.small_classes(contents.counts), verdicts.FEW_IMAGES),
        shortcuts=None
        if lime is None
        else Shortcuts(
            lime.alarms, verdicts.EDGE_SHARE, lime.num_unsure, weigh(lime, contents.floors)
        ),
        differences=None if lime is None else differences(lime),
        release=() if contents.memorisation is None else contents.memorisation.release,
        caveats=verdicts.caveats(
            contents.counts,
            grouped=contents.split.is_grouped,
            by_likeness=contents.split.grouped_by == NEAR_DUPLICATES,
            near_unsearched=contents.leakage is not None and contents.leakage.near_unsearched,
            num_unreadable=len(contents.split.unreadable),
            num_known=0 if contents.leakage is None else contents.leakage.twins_held_out,
            tested=evaluation is not None,
            of_folds=not contents.setting("classifier.seeds", 0),
            is_trial=contents.setting("scale", "") == TRIAL_SCALE,
        ),
    )


def differences(lime: LimeSummary) -> Differences:
    """Picks the tests that find a difference between real and synthetic images."""
    tests = lime.comparison.tests
    listed = sorted((test for test in tests if verdicts.differs(test.q)), key=lambda test: test.q)
    return Differences(tuple(listed), len(tests), verdicts.FALSE_DISCOVERY, detectable(tests))


def _best(cells: dict[str, CellScores]) -> dict[str, BestOfArm]:
    return {
        arm: BestOfArm(cell.cell, cell.mean.val_loss, best_cells.RULE.format(arm=arm))
        for arm, cell in cells.items()
    }


def _arms(evaluation: Evaluation, chosen: Headline) -> ArmsConclusion | None:
    synthetic, real = chosen.synthetic, chosen.real
    if synthetic is None or real is None:
        return None
    compared = _declared(evaluation, REPLACE)
    verdict = verdicts.judge_arms(synthetic, real, compared)
    balanced = real.mean.balanced_accuracy - synthetic.mean.balanced_accuracy
    return ArmsConclusion(
        verdict=verdict.difference,
        answer=verdict.answer,
        direction=verdict.direction,
        gap=real.mean.test_accuracy - synthetic.mean.test_accuracy,
        balanced_gap=balanced if compared is None else -compared.difference.estimate,
        compared=compared,
        synthetic=_measured(synthetic),
        real=_measured(real),
    )


def _declared(evaluation: Evaluation, estimand: Estimand) -> DeclaredDifference | None:
    found = (each for each in evaluation.declared if each.estimand == estimand.name)
    return next(found, None)


def _adding(evaluation: Evaluation) -> AddingConclusion | None:
    compared = _declared(evaluation, ADD)
    if compared is None:
        return None
    scores = {cell.cell: cell for cell in evaluation.cells}
    return AddingConclusion(
        verdicts.judge_estimand(compared),
        compared,
        _measured(scores[compared.first]),
        _measured(scores[compared.second]),
    )


def _control(cell: CellScores | None) -> ControlConclusion | None:
    if cell is None:
        return None
    confusion = np.mean([training.confusion for training in cell.folds], axis=0)
    counts, classes = confusion.sum(axis=1), len(confusion)
    recall = np.diag(confusion) / counts
    # Over test images, as if each had been drawn alone.
    error = float(np.sqrt((recall * (1 - recall) / counts).sum()) / classes)
    balanced = mean_estimate(
        [training.balanced_accuracy for training in cell.folds], least_error=error
    )
    return ControlConclusion(verdicts.judge_control(balanced, classes), balanced, 1 / classes)


def _unbeaten(contents: Contents, chosen: Headline) -> dict[str, UnbeatenFloor]:
    if contents.floors is None:
        return {}
    found = {
        arm: (verdicts.unbeaten_floor(contents.floors.floors, arm), cell)
        for arm, cell in chosen.cells.items()
    }
    return {
        arm: UnbeatenFloor(floor, _measured(cell))
        for arm, (floor, cell) in found.items()
        if floor is not None
    }


def _measured(cell: CellScores) -> MeasuredCell:
    return MeasuredCell(cell.cell, cell.mean.test_accuracy, cell.accuracy_interval)


def _validation(contents: Contents, chosen: Headline) -> ValidationConclusion | None:
    cell = chosen.synthetic
    if cell is None:
        return None
    val, test = cell.mean.val_accuracy, cell.mean.test_accuracy
    return ValidationConclusion(
        verdicts.judge_validation(cell),
        cell.cell,
        val,
        test,
        val - test,
        epoch_choices(contents, cell),
    )


def _copying(fidelity: Fidelity | None) -> CopyingConclusion | None:
    if fidelity is None:
        return None
    return CopyingConclusion(
        verdicts.judge_copying(fidelity.ratio),
        fidelity.ratio,
        verdicts.NEARER_BELOW,
        verdicts.FARTHER_ABOVE,
    )
