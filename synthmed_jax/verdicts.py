"""What follows from a run's numbers: verdicts by named thresholds, as data and without words.

The report puts them into sentences (report/wording.py) and into report.json.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence

from synthmed_jax.results.evaluation import CellScores, DeclaredDifference
from synthmed_jax.results.floors import Floor
from synthmed_jax.results.split import PartCounts
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Estimate
from synthmed_jax.statistics.roc import AreaEstimate


@dataclasses.dataclass(frozen=True)
class Threshold:
    """A number that decides a verdict, and where it is from."""

    value: float
    source: str


_CONVENTION = "a convention of this project; no study stands behind it"
NEARER_BELOW = Threshold(0.8, _CONVENTION)
FARTHER_ABOVE = Threshold(1.25, f"{_CONVENTION} (1 / 0.8)")
FEW_IMAGES = Threshold(50, _CONVENTION)
COPIES_P = Threshold(0.01, f"{_CONVENTION}; an accusation should rest on more than p = 0.05")
LEAST_POWER = Threshold(0.95, f"{_CONVENTION}: copies of which one in twenty is missed are a hole")
FALSE_DISCOVERY = Threshold(0.05, "the customary rate (Benjamini & Hochberg, 1995)")
FAMILY_ERROR = Threshold(0.05, "the customary rate, kept over both tests (Holm, 1979)")
EDGE_SHARE = Threshold(1.0, "the share of importance that chance gives to an area")
INFORMATION_ABOVE = Threshold(
    0.0, "a floor that knows nothing of the class is right as often as the most frequent class is"
)
LOSS_ABOVE = Threshold(
    0.01,
    f"{_CONVENTION}; with thousands of test images, blanking anything costs some tenths of a point",
)


class Copying(enum.StrEnum):
    """How far synthetic images lie from the training images, against unseen real ones."""

    NEARER = "nearer"
    ALIKE = "alike"
    FARTHER = "farther"
    NOT_MEASURED = "not measured"


def judge_copying(ratio: float | None) -> Copying:
    """Judges the median nearest distance of synthetic images over that of `val` images.

    Args:
      ratio: None where there was no `val` image to compare with.
    """
    if ratio is None:
        return Copying.NOT_MEASURED
    if ratio < NEARER_BELOW.value:
        return Copying.NEARER
    return Copying.ALIKE if ratio <= FARTHER_ABOVE.value else Copying.FARTHER


class Copies(enum.StrEnum):
    """What a search for copies of training images says; that none were found is no proof."""

    FOUND = "copies found"
    NOT_FOUND = "nothing found at this power"
    NOTHING_CONCLUDED = "nothing concluded"


def judge_copies(p: float) -> Copies:
    """Judges what a search for copies flagged.

    Args:
      p: of it, if no image were a copy.
    """
    return Copies.FOUND if p < COPIES_P.value else Copies.NOT_FOUND


def is_hole(share: float) -> bool:
    """Whether too few of the copies with some change would be found, by the share that are."""
    return share < LEAST_POWER.value


class Membership(enum.StrEnum):
    """Whether an attack tells images that the generator has learned from others; never "safe"."""

    SUCCEEDS = "attack succeeds"
    NOT_FOUND = "nothing found at this power"
    TOO_FEW = "too few images"
    SPLIT_TELLS = "the split itself tells"


def judge_membership(low: float | None, fewest: int, blind: Sequence[AreaEstimate]) -> Membership:
    """Judges an attack by the interval of its area under the ROC curve.

    Args:
      low: lower end of the interval; None where it was not measured.
      fewest: members in the class that has fewest.
      blind: areas of scores that know nothing of the generator. Where one lies above 0.5, members
        differ from others by the split, and an attack's area is proof against the generator only
        above that one's whole interval. One below 0.5 can't explain an area above.
    """
    if low is None or fewest < FEW_IMAGES.value:
        return Membership.TOO_FEW
    if low <= 0.5:
        return Membership.NOT_FOUND
    explained = max((area.high for area in blind if area.low > 0.5), default=0.5)
    return Membership.SUCCEEDS if low > explained else Membership.SPLIT_TELLS


class Release(enum.StrEnum):
    """What a run says to the question whether its output is safe to share; never that it is."""

    COPIES_FOUND = "copies found"
    ATTACK_SUCCEEDS = "attack succeeds"
    NOT_FOUND = "nothing found at this power"
    NOTHING_CONCLUDED = "nothing concluded"


def judge_release(copies: Copies, attacks: Sequence[Membership]) -> Release:
    """Judges one kind of release: what was found decides, and silence needs every answer.

    Args:
      copies: what the search for copies says.
      attacks: what those attacks say that somebody can try who is given this. Without any, or with
        one that was not judged, nothing is concluded unless something was found.
    """
    if copies is Copies.FOUND:
        return Release.COPIES_FOUND
    if Membership.SUCCEEDS in attacks:
        return Release.ATTACK_SUCCEEDS
    answers = (copies is Copies.NOT_FOUND, *(each is Membership.NOT_FOUND for each in attacks))
    return Release.NOT_FOUND if attacks and all(answers) else Release.NOTHING_CONCLUDED


class Difference(enum.StrEnum):
    """What training on synthetic images instead of real ones does to the balanced accuracy."""

    COSTS = "costs"
    GAINS = "gains"
    UNDECIDED = "undecided"
    NOT_MEASURED = "not measured"


class Answer(enum.StrEnum):
    """What the run says to the question of an estimand."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown"
    REFUTED = "refuted"
    NOT_MEASURED = "not measured"


class Direction(enum.StrEnum):
    """Where the synthetic arm's balanced accuracy lies, whether or not that is beyond chance."""

    LOWER = "lower"
    EQUAL = "equal"
    HIGHER = "higher"


@dataclasses.dataclass(frozen=True)
class ArmsVerdict:
    """The synthetic arm against one of real images.

    Attributes:
      direction: of the synthetic arm, seen from the real one.
      difference: COSTS or GAINS where the interval of the paired difference lies on one side of 0.
      answer: to the question whether synthetic images can stand in. That a difference was not found
        is no proof that there is none.
    """

    direction: Direction
    difference: Difference
    answer: Answer


def judge_arms(
    synthetic: CellScores, real: CellScores, compared: DeclaredDifference | None
) -> ArmsVerdict:
    """Judges the paired difference of two cells on the same test images.

    Args:
      compared: None where it was not measured, by an earlier version: the direction is then that of
        the mean balanced accuracies.
    """
    if compared is None:
        gap = synthetic.mean.balanced_accuracy - real.mean.balanced_accuracy
        return ArmsVerdict(_direction(gap), Difference.NOT_MEASURED, Answer.NOT_MEASURED)
    found = compared.difference
    difference = Difference.UNDECIDED
    if found.high < 0:
        difference = Difference.COSTS
    elif found.is_above(0):
        difference = Difference.GAINS
    return ArmsVerdict(_direction(found.estimate), difference, judge_estimand(compared))


def judge_estimand(declared: DeclaredDifference | None) -> Answer:
    """Judges a declared difference by its interval and, for the number of tests, by Holm.

    Args:
      declared: None where it was not measured.
    """
    if declared is None:
        return Answer.NOT_MEASURED
    found, limit = declared.difference, declared.limit
    if found.is_above(limit) and declared.p_adjusted < FAMILY_ERROR.value:
        return Answer.SHOWN
    return Answer.REFUTED if found.high < limit else Answer.NOT_SHOWN


class Control(enum.StrEnum):
    """How a control came out that has learned from shuffled labels."""

    AT_CHANCE = "at chance"
    ABOVE = "above chance"
    BELOW = "below chance"
    TOO_FEW = "too few trainings to tell"


def judge_control(balanced: Estimate, num_classes: int) -> Control:
    """Judges the mean balanced accuracy of a control's trainings by its interval over them.

    Labels are right by chance in 1 of K, so that is what the mean over shuffles must be; a single
    network may do better or worse, as it gives images of one class one answer.
    """
    if balanced.low is None or balanced.high is None:
        return Control.TOO_FEW
    chance = 1 / num_classes
    if balanced.low > chance:
        return Control.ABOVE
    return Control.BELOW if balanced.high < chance else Control.AT_CHANCE


def _direction(difference: float) -> Direction:
    if difference == 0:
        return Direction.EQUAL
    return Direction.HIGHER if difference > 0 else Direction.LOWER


def unbeaten_floor(floors: Sequence[Floor], arm: str) -> Floor | None:
    """The floor of an arm that its network is farthest from having beaten; None: it beats them all.

    A floor is beaten where the interval of the paired difference lies above 0.
    """
    behind = [
        (floor.network_ahead.estimate, floor)
        for floor in floors
        if floor.arm == arm
        and floor.network_ahead is not None
        and not floor.network_ahead.is_above(0)
    ]
    return min(behind, key=lambda each: each[0], default=(0.0, None))[1]


class AgainstFloors(enum.StrEnum):
    """A network beside what simple means score on the same test images."""

    BETTER = "better than every floor"
    NOT_SHOWN = "not shown to be better"
    WORSE = "worse than a floor"
    NOT_MEASURED = "not measured"


def judge_floors(floors: Sequence[Floor], arm: str) -> AgainstFloors:
    """Judges an arm's network by the paired differences from all floors of its arm."""
    ahead = [f.network_ahead for f in floors if f.arm == arm and f.network_ahead is not None]
    if not ahead:
        return AgainstFloors.NOT_MEASURED
    if any(each.high < 0 for each in ahead):
        return AgainstFloors.WORSE
    is_better = all(each.is_above(0) for each in ahead)
    return AgainstFloors.BETTER if is_better else AgainstFloors.NOT_SHOWN


class Validation(enum.StrEnum):
    """Whether validation promised more or less than the test showed."""

    OPTIMISTIC = "optimistic"
    PESSIMISTIC = "pessimistic"


def judge_validation(cell: CellScores) -> Validation:
    """Compares a cell's mean accuracies on validation and on test images."""
    optimistic = cell.mean.val_accuracy > cell.mean.test_accuracy
    return Validation.OPTIMISTIC if optimistic else Validation.PESSIMISTIC


def small_classes(counts: Mapping[str, PartCounts]) -> dict[str, int]:
    """Class -> its number of `fit` images, of those about which little can be concluded."""
    return too_few({name: each.fit for name, each in counts.items()})


def too_few(fit: Mapping[str, int]) -> dict[str, int]:
    """Of class -> its number of `fit` images, those about which little can be concluded."""
    return {name: count for name, count in fit.items() if count < FEW_IMAGES.value}


class Caveat(enum.StrEnum):
    """What a reader of the results must know of the run that they are from."""

    TRIAL = "trial run"
    SMALL_CLASSES = "small classes"
    SPLIT_BY_IMAGE = "split by image"
    SPLIT_BY_LIKENESS = "split by likeness"
    NEAR_UNSEARCHED = "near-duplicates were not looked for"
    KNOWN_IMAGES = "test images that are also fit or val images"
    NO_VAL_IMAGES = "no val images"
    UNREADABLE_FILES = "unreadable files"
    FOLDS = "folds"
    ONE_GENERATOR = "one generator"
    RESEARCH_SOFTWARE = "research software"


def caveats(
    counts: Mapping[str, PartCounts],
    *,
    grouped: bool,
    by_likeness: bool = False,
    near_unsearched: bool = False,
    num_unreadable: int,
    num_known: int,
    tested: bool,
    of_folds: bool,
    is_trial: bool = False,
) -> tuple[Caveat, ...]:
    """The caveats that a run needs, in the order in which they are to be read.

    Args:
      counts: class -> numbers of images.
      grouped: whether the split kept groups of images (one patient's) together.
      by_likeness: whether these were images that are alike, and no patients are known.
      near_unsearched: whether images of equal pixels alone were looked for.
      num_unreadable: files that were left out.
      num_known: test images that equal a fit or val image, byte for byte.
      tested: whether there are results on the test images.
      of_folds: whether arms were cross-validated.
      is_trial: whether the run was only to show that everything runs.
    """
    needed = {
        Caveat.TRIAL: is_trial,
        Caveat.SMALL_CLASSES: bool(small_classes(counts)),
        Caveat.SPLIT_BY_IMAGE: not grouped and not by_likeness,
        Caveat.SPLIT_BY_LIKENESS: by_likeness,
        Caveat.NEAR_UNSEARCHED: near_unsearched,
        Caveat.KNOWN_IMAGES: num_known > 0,
        Caveat.NO_VAL_IMAGES: not any(count.val for count in counts.values()),
        Caveat.UNREADABLE_FILES: num_unreadable > 0,
        Caveat.FOLDS: tested and of_folds,
        Caveat.ONE_GENERATOR: tested,
        Caveat.RESEARCH_SOFTWARE: True,
    }
    return tuple(caveat for caveat, is_needed in needed.items() if is_needed)


def is_shortcut(share: Estimate | None) -> bool:
    """Whether importance at an edge of the image is surely above the edge's share of the area."""
    return share is not None and share.low is not None and share.low > EDGE_SHARE.value


class Shortcut(enum.StrEnum):
    """Whether a region without the finding gives classes away, and a network makes use of it."""

    NOT_MEASURED = "not measured"
    NONE_VISIBLE = "none visible"
    POSSIBLE = "possible"
    USED = "used"


def judge_shortcut(
    floors: Sequence[GroupEstimate], loss: GroupEstimate | None, importance: Estimate | None
) -> Shortcut:
    """Judges one region of the image: its ring, its corners or its background.

    USED where the network's accuracy falls without the region, or where a forest that sees nothing
    else tells classes apart and LIME's importance keeps to it; POSSIBLE where a forest does, and no
    use is shown. An interval decides wherever there is one, not the estimate.

    Args:
      floors: balanced accuracies of forests that see the region alone, less that of the most
        frequent class; empty where none was measured.
      loss: of the network's balanced accuracy when the region is blanked; None: not measured.
      importance: LIME's in the region over its area; None: not known.
    """
    informative = any(floor.is_above(INFORMATION_ABOVE.value) for floor in floors)
    needed = loss is not None and loss.is_above(LOSS_ABOVE.value)
    if needed or (informative and is_shortcut(importance)):
        return Shortcut.USED
    if informative:
        return Shortcut.POSSIBLE
    return Shortcut.NONE_VISIBLE if floors else Shortcut.NOT_MEASURED


def gravest(found: Sequence[Shortcut]) -> Shortcut:
    """The verdict of the image as a whole: the last of the enum's that a region has."""
    return max(found, key=[*Shortcut].index, default=Shortcut.NOT_MEASURED)


def differs(q: float) -> bool:
    """Whether a difference is called found, by its p adjusted for the number of tests."""
    return q < FALSE_DISCOVERY.value
