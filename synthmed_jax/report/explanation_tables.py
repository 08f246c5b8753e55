"""The tables of the report's section on explanations, from explain/lime.json alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthmed_jax.report import detectable
from synthmed_jax.report.conclusions import Differences
from synthmed_jax.report.formats import DASH, NBSP, PLUS_MINUS, percent, signed
from synthmed_jax.report.shortcuts import RegionEvidence, ShortcutEvidence
from synthmed_jax.results.explanations import LimeSummary, TwoSampleRow
from synthmed_jax.results.floors import Floor
from synthmed_jax.results.section import Row, Table
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Estimate

ALL = "all classes"
# Columns: name of the number in lime.json, heading, digits. No image has the number: no column.
Columns = Sequence[tuple[str, str, int]]
OF_LIME: Columns = (
    ("r2", "R\N{SUPERSCRIPT TWO}", 2),
    ("foreground", "foreground", 2),
    ("border", "border", 2),
    ("corners", "corners", 2),
    ("deletion_gain", "deletion gain", 3),
    ("insertion_gain", "insertion gain", 3),
    ("rank_correlation", "rank corr.", 2),
    ("top_overlap", "top 5 shared", 2),
)
OF_METHODS: Columns = (
    ("deletion_gain", "deletion gain", 3),
    ("insertion_gain", "insertion gain", 3),
    ("foreground", "foreground", 2),
    ("border", "border", 2),
    ("lesion", "in the lesion", 2),
    ("hit", "points into it", 2),
    ("hit_by_chance", "by chance", 2),
)
METHODS = {"lime": "LIME", "occlusion": "occlusion", "grad_cam": "Grad-CAM"}
# Keys of data/regions.py's REGIONS.
REGIONS = {
    "ring": "the outermost ring",
    "corners": "the four corners",
    "background": "the background",
}
_TO = f"{NBSP}to{NBSP}"  # an interval is not broken into lines
DIFFERENCE_COLUMNS = ("real", "synthetic", "synthetic larger", "p", "q")


def by_class(lime: LimeSummary) -> Table:
    """Returns LIME's numbers of every class and kind."""
    rows = [
        (f"{name}, {kind}", numbers["lime"])
        for kind, classes in lime.summary.items()
        for name, numbers in classes.items()
    ]
    return _estimates(
        rows,
        OF_LIME,
        "LIME by class: means with standard deviations over images. Foreground, border and "
        "corners: the area's share of the importance over its share of the pixels (1.0: no "
        "preference). Gains: how much faster than in random order the probability falls while "
        "regions are hidden, and rises while they are shown (0: no better than chance). Rank "
        "correlation and shared top five: between explanations under different seeds.",
    )


def by_method(lime: LimeSummary) -> Table:
    """Returns the same scores of LIME and of the second opinions."""
    rows = [
        (f"{heading}, {kind}", classes[ALL][method])
        for kind, classes in lime.summary.items()
        for method, heading in METHODS.items()
    ]
    return _estimates(
        rows, OF_METHODS, "Second opinions on the same regions and images, under the same scores."
    )


def differences(conclusion: Differences) -> Table:
    """Returns the tests that find a difference between real and synthetic images."""
    rows = tuple(map(_difference, conclusion.listed))
    return Table(
        DIFFERENCE_COLUMNS,
        rows,
        f"Numbers that differ between real and synthetic images: {len(rows)} of "
        f"{conclusion.num_tests} tests (Mann-Whitney; q is p adjusted for that many, listed below "
        f"{conclusion.q_below.value:g}). Synthetic larger: the chance that a random synthetic "
        f"image has the larger value.{detectable.sentence(conclusion.detectable)}",
    )


def shortcuts(evidence: ShortcutEvidence) -> Table:
    """Returns, for each region, what it tells of the classes and what the network makes of it."""
    arms = list(dict.fromkeys(arm for each in evidence.regions for arm in each.floors))
    columns = (
        "shortcut",
        "share of the area",
        "LIME's importance there",
        *(f"forest on it, {arm}" for arm in arms),
        "network without it loses",
    )
    return Table(columns, tuple(_region(each, arms) for each in evidence.regions), _about(evidence))


def _about(evidence: ShortcutEvidence) -> str:
    probe = evidence.regions[0].probe  # the images and the network are those of all regions
    majority = ""
    if evidence.majority is not None:
        majority = (
            f" The most frequent class has {percent(evidence.majority)}; in brackets is by how "
            "much a forest is above that, in percentage points."
        )
    information, loss = signed(evidence.information_above.value), signed(evidence.loss_above.value)
    return (
        "Can a shortcut be taken? The ring is a 32nd of the side wide, a corner is a square of an "
        "eighth of it, and the background is what surrounds the tissue (Otsu's threshold). "
        f"Balanced accuracies on {probe.num_images} real test images, where the network has "
        f"{percent(probe.accuracy)}. LIME's importance: its share over the region's share of the "
        "pixels (1.0: no preference), with its 95 % interval. Forest on it: what a forest that "
        "sees nothing but the region is right on, by the arm that it learned from (the background "
        f"by quantiles of its levels and steps, not by its shape).{majority} Network without it "
        "loses: the fall of its balanced accuracy when the region of every test image is replaced "
        "by the mean of all of them, in percentage points. Intervals of forests, and those of "
        "losses, are so wide that 95 % holds for all regions together. Possible: a forest's "
        f"interval lies above {information}; used: that of the loss lies above {loss}, or a "
        f"forest's does so and LIME's lies above {evidence.importance_above.value:g}. A network "
        "may also lose because a blanked image looks unlike those that it learned from."
    )


def _region(of: RegionEvidence, arms: Sequence[str]) -> Row:
    values = (
        of.verdict.value,
        percent(of.probe.area),
        _importance(of.probe.importance),
        *(_floor(of.floors.get(arm)) for arm in arms),
        _with_ends(of.probe.loss) if of.probe.loss else DASH,
    )
    return Row(REGIONS[of.probe.region], values)


def _importance(of: Estimate) -> str:
    if of.mean is None:
        return DASH
    ends = "" if of.low is None else f" ({of.low:.2f}{_TO}{of.high:.2f})"
    return f"{of.mean:.2f}{ends}"


def _floor(floor: Floor | None) -> str:
    if floor is None or floor.above_majority is None:
        return DASH
    above = floor.above_majority
    ends = f"({signed(above.low)}{_TO}{signed(above.high)})"
    return f"{percent(floor.balanced_accuracy)} {ends}"


def _with_ends(of: GroupEstimate) -> str:
    return f"{signed(of.estimate)} ({signed(of.low)}{_TO}{signed(of.high)})"


def _difference(test: TwoSampleRow) -> Row:
    values = (
        f"{test.mean_real:.3f}",
        f"{test.mean_synthetic:.3f}",
        percent(test.superiority, 0),
        f"{test.p:.2g}",
        f"{test.q:.2g}",
    )
    return Row(f"{test.class_name}, {test.number.replace('_', ' ')}", values)


def _estimates(
    rows: Sequence[tuple[str, Mapping[str, Estimate]]], columns: Columns, caption: str
) -> Table:
    shown = [c for c in columns if any(c[0] in of_row and of_row[c[0]].n for _, of_row in rows)]
    return Table(
        ("n", *(heading for _, heading, _ in shown)),
        tuple(Row(name, _values(of_row, shown)) for name, of_row in rows),
        caption,
    )


def _values(numbers: Mapping[str, Estimate], columns: Columns) -> tuple[str, ...]:
    """A row's n, the largest of its numbers, and each of its numbers."""
    counts = [numbers[name].n for name, _, _ in columns if name in numbers]
    texts = (_spread(numbers.get(name), digits) for name, _, digits in columns)
    return (str(max(counts, default=0)), *texts)


def _spread(estimate: Estimate | None, digits: int) -> str:
    if estimate is None or estimate.mean is None:
        return DASH
    mean = f"{estimate.mean:.{digits}f}"
    return mean if estimate.std is None else f"{mean} {PLUS_MINUS} {estimate.std:.{digits}f}"
