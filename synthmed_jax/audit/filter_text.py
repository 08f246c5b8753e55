"""The filter of synthetic images in words and tables, for the report."""

from __future__ import annotations

from collections.abc import Iterator

from synthmed_jax.audit.copy_threshold import FALSE_ALARMS
from synthmed_jax.results.filtered import FILTERED, OTHER_REAL, SYNTHETIC, Filtered, FilteredClass
from synthmed_jax.results.section import Row, Section, Table

_HOW = (
    "A second set was made of the synthetic images: {left_out}, and others were drawn in their "
    "place, so that each class has as many as before. It lies in the folder filtered, which can be "
    "given away. What was seen of every image is in filter_scores.csv beside it, which tells who "
    "has a training image that it was learned from, and must not be."
)
_COPIES = "those that the search for copies takes for copies of training images are left out"
_OFF_CLASS = (
    "those whose own class a forest of real images finds less likely than it finds all but "
    "{share:.1%} of the class's real images are left out as off class"
)
_LIMITS = (
    f"Of images that are no copies about {FALSE_ALARMS:.0%} are left out too. A copy that the "
    "search does not see stays in: how many that are, the audit's table of power says by kind of "
    "change."
)
_EASIER = (
    "The forests learned fit images alone, each class's threshold is what they say of images that "
    "they had not learned, and the table says how many wrong labels they would have seen. A filter "
    "by a classifier makes a set easier: what is unusual in a class is left out with what is "
    "wrong, so that classifiers which learn from it may be surer and see less. The coverage below "
    "says how much of the real images is still reached."
)
_SAME = (
    "The generator is the same: what it has learned, and what its weights give away, no filter "
    "changes. Whether the filter costs accuracy, the arm synthetic_filtered says beside the arm "
    "synthetic, where both were trained."
)
_SETS = {
    SYNTHETIC: "synthetic images, unfiltered",
    FILTERED: "synthetic images, filtered",
    OTHER_REAL: "other real images",
}


def to_section(found: Filtered) -> Section:
    """Returns the section."""
    of_copies, of_classes = bool(found.thresholds), bool(found.off_class)
    reasons = [_COPIES] * of_copies
    reasons += [_OFF_CLASS.format(share=found.off_class_share)] * of_classes
    how = _HOW.format(left_out="; ".join(reasons))
    limits = " ".join([*[_LIMITS] * of_copies, *[_EASIER] * of_classes, _SAME])
    tables = [_counted(found, of_copies=of_copies)]
    if found.coverage:
        tables.append(_covered(found))
    names = ["suspected copies"] * of_copies + ["images off their class"] * of_classes
    return Section(f"Synthetic images without {' and '.join(names)}", (how, limits), tuple(tables))


def _counted(found: Filtered, *, of_copies: bool) -> Table:
    headings = ["looked at"] + ["left out as suspected copies"] * of_copies
    headings += ["left out as off class", "wrong labels seen"] * bool(found.off_class)
    rows = tuple(
        Row(
            name,
            (
                str(each.looked_at),
                *_left_out(found, name, each, of_copies=of_copies),
                str(each.used),
            ),
        )
        for name, each in found.classes.items()
    )
    caption = (
        "Synthetic images by class; more were looked at than are used where some were left out."
    )
    if found.off_class:
        caption += (
            " Wrong labels seen: share of the real images of other classes that would have been "
            "left out as off class with this class's label."
        )
    return Table((*headings, "used"), rows, caption)


def _left_out(
    found: Filtered, name: str, counts: FilteredClass, *, of_copies: bool
) -> Iterator[str]:
    if of_copies:
        yield f"{counts.flagged} ({counts.flagged / counts.looked_at:.1%})"
    if found.off_class:
        yield f"{counts.off_class} ({counts.off_class / counts.looked_at:.1%})"
        yield f"{found.off_class[name].found:.0%}"


def _covered(found: Filtered) -> Table:
    rows = tuple(
        Row(words, (f"{each.value:.2f} ({each.low:.2f} to {each.high:.2f})",))
        for name, words in _SETS.items()
        if name in found.coverage
        for each in [found.coverage[name]]
    )
    caption = (
        "Share of some fit images that have an image of the set near them (coverage, by handmade "
        "features, with its 95 % interval). The synthetic sets differ in what was left out alone: "
        "where it is lower after the filter, that has made the set narrower."
    )
    return Table(("coverage",), rows, caption)
