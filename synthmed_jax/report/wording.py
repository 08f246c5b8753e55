"""Puts verdicts into plain sentences, and says what the numbers cannot show.

Every verdict has its sentence in a table here; what the verdict is, `conclusions` says. Sentences
hold no markup and no escaping: the templates see to that.
"""

from __future__ import annotations

from collections.abc import Sequence

from synthmed_jax.arms import ARMS, SHUFFLED
from synthmed_jax.estimands import ADD, REPLACE, Estimand
from synthmed_jax.report.conclusions import (
    AddingConclusion,
    ArmsConclusion,
    ControlConclusion,
    CopyingConclusion,
    UnbeatenFloor,
    ValidationConclusion,
)
from synthmed_jax.report.files import Contents
from synthmed_jax.report.findings import REAL, Headline
from synthmed_jax.report.floor_tables import FEATURES
from synthmed_jax.report.formats import (
    DASH,
    NBSP,
    accuracy,
    amount,
    n_is,
    of_trainings,
    p_value,
    percent,
    points,
    signed,
    signed_interval,
)
from synthmed_jax.results.evaluation import DeclaredDifference
from synthmed_jax.results.fidelity import Fidelity
from synthmed_jax.results.floors import MAJORITY
from synthmed_jax.results.membership import FILTERED_ONLY, IMAGES_AND_WEIGHTS, IMAGES_ONLY
from synthmed_jax.results.release import Release
from synthmed_jax.verdicts import (
    Answer,
    Control,
    Copying,
    Difference,
    Direction,
    Validation,
)

DIRECTIONS = {
    Direction.LOWER: "costs",
    Direction.EQUAL: "makes a difference of",
    Direction.HIGHER: "gains",
}
_APART = (
    " The choice of test images alone hardly explains that; training again, with other seeds, may "
    "give another difference."
)
DIFFERENCES = {
    Difference.COSTS: _APART,
    Difference.GAINS: _APART,
    Difference.UNDECIDED: " This run alone cannot tell which is better.",
    Difference.NOT_MEASURED: (
        " Whether chance explains that was not measured by the version that evaluated this run: "
        "without its folder evaluate/, a run evaluates it anew."
    ),
}
REPLACED = {
    Answer.SHOWN: "Shown, up to {margin}.",
    Answer.NOT_SHOWN: "Not shown: they may be worse by more than {margin}.",
    Answer.REFUTED: "No: they are worse by more than {margin}.",
    Answer.NOT_MEASURED: "",
}
ADDED = {
    Answer.SHOWN: "Shown.",
    Answer.NOT_SHOWN: "Not shown.",
    Answer.REFUTED: "No: with them the network is worse on these test images.",
    Answer.NOT_MEASURED: "",
}
CONTROLS = {
    Control.AT_CHANCE: "which is not shown to leave chance, where it must be",
    Control.ABOVE: (
        "which is above chance. The labels reach the test in another way than by learning: look "
        "for that before you believe any number below"
    ),
    Control.BELOW: (
        "which is below chance: few trainings, or images of one class that get one answer, can do "
        "that"
    ),
    Control.TOO_FEW: "which a single training can't set against chance",
}
UNITS = {"group": "groups of test images", "image": "test images"}
RELEASED = {
    IMAGES_ONLY: "The images alone",
    IMAGES_AND_WEIGHTS: "Images and weights",
    FILTERED_ONLY: "The filtered images alone",
}
VALIDATIONS = {
    Validation.OPTIMISTIC: "too optimistic",
    Validation.PESSIMISTIC: "too pessimistic",
}
_RATIO = (
    "The median distance of {synthetic} synthetic images to their nearest fit image is {ratio:.2f} "
    "times that of {val} real validation images: they lie "
)
_NO_PROOF = " That is no proof that none of them is a copy."
COPYING = {
    Copying.NEARER: (
        f"{_RATIO}closer to the training images than unseen real images do, a sign that the "
        f"generator repeats what it was shown.{_NO_PROOF}"
    ),
    Copying.ALIKE: (
        f"{_RATIO}about as far from the training images as unseen real images do, with no sign of "
        f"wholesale copying.{_NO_PROOF}"
    ),
    Copying.FARTHER: (
        f"{_RATIO}farther from the training images than unseen real images do: no sign of "
        f"wholesale copying, but they may not look quite like real ones.{_NO_PROOF}"
    ),
    Copying.NOT_MEASURED: (
        "Whether the generator copied its training images was not measured against real images, "
        "since the val part is empty."
    ),
}
TRIAL = "A trial run (scale smoke): its numbers and verdicts mean nothing."


def not_run(stage: str, loss: str) -> str:
    """Returns the sentence that stands for a section whose stage has not run."""
    return f"The stage {stage} has not run on these images, so there is {loss} here."


def trained_on_synthetic(contents: Contents, chosen: Headline) -> str:
    """Returns how often the best network of the synthetic arm is right, beside guessing."""
    if contents.evaluation is None:
        return not_run("evaluate", "no answer")
    if chosen.synthetic is None:
        return "No classifier was trained on synthetic images alone."
    return (
        f"A {chosen.synthetic.backbone} that has seen only synthetic images "
        f"({amount(chosen.synthetic)}) is right on {accuracy(chosen.synthetic)} of "
        f"{n_is(contents.evaluation.num_test)} real test images, {_not_given(contents)}. Guessing "
        f"would be right on {percent(contents.chance)}{_majority(contents)}."
    )


def trained_on_real(contents: Contents, chosen: Headline) -> str:
    """Returns how often the network that it is compared with is right."""
    if chosen.real is None:
        return "No classifier was trained on the real images, so there is no comparison."
    network = "The same network" if chosen.same_network else f"A {chosen.real.backbone}"
    return (
        f"{network} trained on {ARMS[chosen.real.arm].says}, which the generator learned from "
        f"({n_is(contents.totals.fit)}), is right on {accuracy(chosen.real)} of the same test "
        "images."
    )


def release(judged: Sequence[Release]) -> str:
    """Returns the verdict on each kind of release, then their numbers, those in common once."""
    said = " ".join(f"{RELEASED[each.released]}: {each.verdict}." for each in judged)
    because = dict.fromkeys(sentence for each in judged for sentence in each.because)
    return (
        f"Is it safe to share? {said} {' '.join(because)} No verdict says that a release is safe; "
        "what would change these, and what they do not cover, is said under the same question "
        "below."
    )


def _majority(contents: Contents) -> str:
    """What always answering the most frequent class of `fit` comes to; "" where not measured."""
    floors = () if contents.floors is None else contents.floors.floors
    rates = [f.accuracy for f in floors if (f.features, f.arm) == (MAJORITY, REAL)]
    return "".join(f", always answering the most frequent class on {percent(r)}" for r in rates)


def _not_given(contents: Contents) -> str:
    """Says what is known of the test images: their files were given to nobody, their twins maybe.

    The number is the split's, whatever its version compared.
    """
    leakage = contents.leakage
    if leakage is None:
        return (
            "files not given to it or to the generator (whether some have a twin in fit or val was "
            "not counted)"
        )
    alike = leakage.alike
    near = ""
    if alike is not None and not leakage.near_unsearched:
        near = f", {alike.near_held_out} a twin or a near-duplicate"
    return (
        "files not given to it or to the generator; "
        f"{leakage.twins_held_out} of them have a twin in fit or val{near}"
    )


def arms(conclusion: ArmsConclusion) -> str:
    """Returns what training on synthetic images instead of real ones does."""
    synthetic, real = (
        percent(cell.test_accuracy) for cell in (conclusion.synthetic, conclusion.real)
    )
    text = (
        f"{synthetic} against {real} right on real test images: averaged over the classes, "
        f"training on synthetic images instead of real ones {DIRECTIONS[conclusion.direction]} "
        f"{points(conclusion.balanced_gap)}"
    )
    compared = conclusion.compared
    if compared is None:
        return f"{text}.{DIFFERENCES[conclusion.verdict]}"
    said = REPLACED[conclusion.answer].format(margin=points(compared.limit))
    return (
        f"{_asked(REPLACE)} {said} {text} ({_uncertainty(compared)})."
        f"{DIFFERENCES[conclusion.verdict]} {_would_miss(compared)}"
    )


def adding(conclusion: AddingConclusion) -> str:
    """Returns what synthetic images add to real ones."""
    compared = conclusion.compared
    apart = "" if conclusion.answer is Answer.NOT_SHOWN else _APART
    mixed, augmented = (
        f"{percent(cell.test_accuracy)} trained on {ARMS[cell.cell.arm].says}"
        for cell in (conclusion.mixed, conclusion.augmented)
    )
    return (
        f"{_asked(ADD)} {ADDED[conclusion.answer]} {mixed}, against {augmented}: averaged over the "
        f"classes, {signed(compared.difference.estimate)} percentage points "
        f"({_uncertainty(compared)}).{apart} {_would_miss(compared)}"
    )


def control(conclusion: ControlConclusion) -> str:
    """Returns how the arm of shuffled labels came out."""
    of = conclusion.balanced
    spread = ""
    if of.low is not None and of.high is not None:
        spread = (
            f" (95{NBSP}% interval over trainings, no narrower than over test images: "
            f"{percent(max(of.low, 0))} to {percent(min(of.high, 1))})"
        )
    mean = DASH if of.mean is None else percent(of.mean)
    return (
        f"Control: networks that learned from {ARMS[SHUFFLED].says} have a mean balanced accuracy "
        f"of {mean}{spread} over {of_trainings(of.n)}, {CONTROLS[conclusion.verdict]} (chance: "
        f"{percent(conclusion.chance)})."
    )


def _asked(estimand: Estimand) -> str:
    return f"{estimand.question.removesuffix('?')} ({estimand.name})?"


def _uncertainty(compared: DeclaredDifference) -> str:
    found, units = compared.difference, UNITS[compared.unit]
    p = p_value(compared.p_adjusted)
    equals = "" if p.startswith("<") else f"={NBSP}"
    limit = signed(compared.limit) if compared.limit else "0"
    return (
        f"{signed_interval(found)}, of the paired difference, over {n_is(found.num_groups)} "
        f"{units}; p{NBSP}{equals}{p}, adjusted, for the claim that it lies above {limit}"
    )


def _would_miss(compared: DeclaredDifference) -> str:
    missed = points(compared.difference.detectable)
    return f"A true difference under {missed} would often have gone unnoticed."


def unbeaten(conclusion: UnbeatenFloor) -> str:
    """Returns that a network is worse, or not shown to be better, than a simple means."""
    floor, network = conclusion.floor, conclusion.network
    trained = f"the {network.cell.backbone} trained on {ARMS[network.cell.arm].says}"
    ahead = floor.network_ahead
    is_worse = ahead is not None and ahead.high < 0
    verdict = "is worse than that" if is_worse else "is not shown to be better than that"
    shown = f"{verdict} ({percent(network.test_accuracy)})."
    if floor.features == MAJORITY:
        return (
            f"Always answering the most frequent class is right on {percent(floor.accuracy)}; "
            f"{trained} {shown}"
        )
    return (
        f"A forest that sees {FEATURES[floor.features]}, trained in seconds on the same images, is "
        f"right on {percent(floor.accuracy)}; {trained} {shown}"
    )


def validation(conclusion: ValidationConclusion | None, num_val: int) -> str | None:
    """Returns what validation promised beside what the real test showed; None without it.

    Args:
      num_val: real `val` images.
    """
    if conclusion is None:
        return None
    text = (
        f"During its training the {conclusion.cell.backbone} of the synthetic arm scored "
        f"{percent(conclusion.val_accuracy)} on validation images; on real test images it scores "
        f"{percent(conclusion.test_accuracy)}. {_promised(conclusion, num_val)}"
    )
    choices = conclusion.choices
    if choices is None:
        return text
    return (
        f"{text} The epochs that the lowest loss on left-out synthetic images chooses score "
        f"{percent(choices.by_left_out)} on the real val images ({n_is(num_val)}); those that the "
        f"lowest loss on these images themselves would choose, {percent(choices.by_real_val)} "
        f"(means of {choices.num_folds} folds)."
    )


def _promised(conclusion: ValidationConclusion, num_val: int) -> str:
    shown = points(conclusion.gap)
    if shown == points(0):
        return "Validation said the same."
    # Where epochs were chosen by left-out synthetic images, these are many.
    few = f" on {n_is(num_val)} images" if conclusion.choices is None and num_val else ""
    return f"Validation{few} was {shown} {VALIDATIONS[conclusion.verdict]}."


def copying(conclusion: CopyingConclusion | None, fidelity: Fidelity | None) -> str:
    """Returns what the ratio of nearest distances says."""
    if conclusion is None or fidelity is None:
        return not_run("evaluate", "no measure of copying")
    return COPYING[conclusion.verdict].format(
        ratio=conclusion.ratio,
        synthetic=n_is(fidelity.num_synthetic),
        val=n_is(fidelity.num_val),
    )
