"""The paper's open questions (sections 5.6 and 6), answered with what the study measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from benchmarks.study import amounts, scores, tables
from benchmarks.study.runs import Design
from benchmarks.study.summary import change
from benchmarks.study.tables import mean_text, number
from synthmed_jax.evaluation.records import LIME
from synthmed_jax.report.detectable import detectable
from synthmed_jax.report.formats import percent
from synthmed_jax.results.audit import (
    AUROC_FOREST,
    AUROC_NETWORK,
    COVERAGE,
    DENSITY,
    HELD_OUT,
    KID,
)
from synthmed_jax.results.explanations import LimeSummary
from synthmed_jax.statistics.group_bootstrap import POWER

Named = Sequence[tuple[str, Design]]


def answers(named: Named, of_amounts: Named = ()) -> list[tuple[str, str]]:
    """Returns each question's name, and its answer in sentences; none without designs.

    Args:
      named: designs of all arms, under the names that they have on the page.
      of_amounts: those that compare numbers of synthetic images.
    """
    if not named:
        return []
    return [
        ("Size of the synthetic set", _size(named, of_amounts)),
        ("Diversity", _diversity(named)),
        ("Classical augmentation", _augmentation(named)),
        ("Little real data", _little(named)),
        ("Distance of the distributions", _distance(named)),
        ("Tuning", _tuning()),
        ("Explanations of real and of synthetic images", _explanations(named)),
        ("New data of the same kind", _new_data()),
    ]


def _size(named: Named, of_amounts: Named) -> str:
    alone = (
        f"Synthetic images alone, after equal optimiser steps: {_of_each(of_amounts, _curve)}. "
        if of_amounts
        else ""
    )
    return (
        f"{alone}Beside the real images, four times as many synthetic ones instead of as many "
        "change balanced accuracy after equal optimiser steps by "
        f"{_of_each(named, _arms('mixed_1to4', 'mixed_1to1'))}."
    )


def _curve(design: Design) -> str:
    """Returns "78.0 % with 50 per class, 79.6 % with 200", means over seeds."""
    table = amounts.amounts_table(design)
    levels = ", ".join(f"{row.values[0]} % with {row.name}" for row in table.rows)
    return levels if len(design.counted) > 1 else f"{levels} (one seed)"


def _diversity(named: Named) -> str:
    coverage, density = (_measured(each, "handmade") for each in (COVERAGE, DENSITY))
    return (
        "In hand-made features, the share of held-out real images that have a synthetic one near "
        "(coverage; lower where the generator leaves variety out; in brackets what other real "
        f"images reach) is {_of_each(named, coverage)}. How densely real images lie about the "
        "synthetic ones (density; lower where synthetic images lie away from real ones) is "
        f"{_of_each(named, density)}."
    )


def _augmentation(named: Named) -> str:
    return (
        "More augmentation of the real images changes balanced accuracy by (in parentheses what "
        f"is more): {_of_each(named, _augmented)}. Synthetic images beside the "
        "augmented real ones, one to one, change that by "
        f"{_of_each(named, _arms('mixed_1to1', 'real_augmented'))}. D2 is the test that was "
        "declared for it."
    )


def _little(named: Named) -> str:
    said = (
        "The generator learns from the same few real images that the real arm is trained on. "
        "Synthetic images alone, augmented, less these, augmented too: "
        f"{_of_each(named, _arms('synthetic', 'real_augmented'))}. D1 is the test that was "
        "declared for it. Balanced accuracy of synthetic images alone, and of real ones with "
        "augmentation, %: "
        f"{_of_each(named, _levels('synthetic', 'real_augmented'))}."
    )
    if not any(_threshold(design) for _, design in named):
        return said
    return (
        f"{said} With fewer real images the split is a stricter one as well: how alike images are "
        "that stay on one side follows from `fit` (a correlation above "
        f"{_of_each(named, _threshold)})."
    )


def _distance(named: Named) -> str:
    return (
        "Synthetic images are told from held-out real ones with an AUROC (0.5: not at all; in "
        "brackets: real from real) by a network of "
        f"{_of_each(named, _measured(AUROC_NETWORK, 'pixels'))}; by a forest on pixels of "
        f"{_of_each(named, _measured(AUROC_FOREST, 'pixels'))}; by one on hand-made features of "
        f"{_of_each(named, _measured(AUROC_FOREST, 'handmade'))}. The kernel distance of hand-made "
        f"features (0 on average for one distribution) is "
        f"{_of_each(named, _measured(KID, 'handmade'))}."
    )


def _tuning() -> str:
    return (
        "By what the presets were chosen is said at the head of this page. What was tried, and "
        "what it gave, is in [docs/measurements.md](docs/measurements.md) and "
        "[docs/history.md](docs/history.md); `--stages=tune` searches the settings of the "
        "generator and of the networks, with equally many trials for each arm."
    )


def _explanations(named: Named) -> str:
    return (
        "LIME's numbers of real and of synthetic images were compared class by class. Of these "
        f"tests, {_of_each(named, _tests)}."
    )


def _new_data() -> str:
    return (
        "Not measured: of none of the three is a second set with the same classes at hand. "
        "`evaluate.external_dir` tests the networks of a run on one."
    )


def _of_each(named: Named, text: Callable[[Design], str]) -> str:
    """What the designs say, each under its name; those that have nothing to say are left out."""
    said = [f"{name} {found}" for name, design in named for found in [text(design)] if found]
    return "; ".join(said) or "not measured"


def _arms(one: str, other: str) -> Callable[[Design], str]:
    def text(design: Design) -> str:
        first, second = scores.of_arm(design, one), scores.of_arm(design, other)
        return change(first, second) if first and second else ""

    return text


def _augmented(design: Design) -> str:
    """Returns "+1.3 (-2.1 to +4.8) (warps)"; "" where an arm lacks."""
    found = _arms("real_augmented", "real")(design)
    more = tables.augmentation_added(design)
    return f"{found} ({more})" if found and more else found


def _threshold(design: Design) -> str:
    """Returns "0.94", the mean over seeds; "" where near-duplicates do not decide the split."""
    if design.field["split.group_by"] != "near_duplicates":
        return ""
    found = [tables.likeness(run) for run in design.counted]
    known = [each for each in found if each is not None]
    return _mean(known) if known else ""


def _levels(*arms: str) -> Callable[[Design], str]:
    """Returns "86.5, 91.4", means over seeds; "" where an arm lacks."""

    def text(design: Design) -> str:
        of_arms = [scores.of_arm(design, arm) for arm in arms]
        return ", ".join(map(mean_text, of_arms)) if all(of_arms) else ""

    return text


def _measured(measure: str, features: str) -> Callable[[Design], str]:
    def text(design: Design) -> str:
        found = scores.compared(design, measure, features, HELD_OUT)
        synthetic = [each.synthetic.value for each in found if each.synthetic is not None]
        real = [each.real.value for each in found if each.real is not None]
        if not synthetic or len(real) < len(synthetic):
            return ""
        return f"{_mean(synthetic)} ({_mean(real)})"

    return text


def _mean(values: Sequence[float]) -> str:
    return number(sum(values) / len(values))


def _tests(design: Design) -> str:
    summaries = [run.document(LimeSummary, LIME) for run in design.counted]
    tests = [each.comparison.tests for each in summaries if each is not None]
    missed = [detectable(of_run) for of_run in tests]
    if not tests:
        return ""
    num_tests = sum(map(len, tests))
    found = num_tests - sum(0 if each is None else each.num_tests for each in missed)
    text = f"{found} of {num_tests} find a difference"
    smallest = [each.smallest for each in missed if each is not None]
    if smallest and math.isinf(min(smallest)):
        text += " (of too few images to find any)"
    elif smallest:
        text += (
            f" (differences of {min(smallest):.1f} standard deviations would have been found by "
            f"the others in {percent(POWER, 0)} of such samples, smaller ones less often)"
        )
    return text
