"""Twins and near-duplicates in words: what is printed, and what stands in the report."""

from __future__ import annotations

import dataclasses

from synthmed_jax.data.counted import counted
from synthmed_jax.printable import printable
from synthmed_jax.results.leakage import Alike, AlikePair, Leakage
from synthmed_jax.results.section import Row, SectionPicture, Table

PICTURE = "near_duplicates.png"
"""The picture of `to_draw`'s pairs, in the folder of the stage."""
_DRAWN = 12
_CONFLICTS = 4  # at most so many of the drawn pairs are of two classes
_NAMED = 3  # pairs under two labels that are named in the sentence
_ALL_FOUND = 0.995  # shares from here on are said to be all


def to_draw(alike: Alike) -> tuple[AlikePair, ...]:
    """Returns the worst pairs: a few under two labels, then pairs across the parts."""
    conflicts = alike.conflicts[:_CONFLICTS]
    across = [pair for pair in alike.across if pair not in conflicts]
    return (*conflicts, *across[: _DRAWN - len(conflicts)])


def sentences(leakage: Leakage) -> list[str]:
    """Returns what is alike in the pixels; nothing for files of versions that did not look."""
    alike = leakage.alike
    if alike is None:
        return []
    twins = (
        f"twins (equal pixels): {alike.redundant_twins} images repeat another one of their class; "
        f"{alike.twins_held_out} of {leakage.num_held_out} test images equal a fit or val image"
    )
    near = (
        f"near-duplicates: {alike.near_held_out} of {leakage.num_held_out} test images have a "
        f"near-duplicate or twin in fit or val, {alike.near_val} of {leakage.num_val} val images "
        f"one in fit; {counted(alike.components, 'set')} of images that are alike"
        + (f", the largest of {alike.largest}" if alike.components else "")
    )
    power = (
        f"how they are found: aligned correlation above {alike.threshold:.3f}, which follows from "
        f"{counted(alike.num_reference, 'image')} of a fit part; {_power(alike)}"
    )
    found = [near, power] if alike.power else [alike.unsearched or TOO_SMALL]
    return [twins, *found, *_conflicts(alike)]


def tables(leakage: Leakage) -> tuple[Table, ...]:
    """Returns the tables of counts and of power; none for files of versions that did not look."""
    alike = leakage.alike
    if alike is None:
        return ()
    kinds = {"twins": alike.twins} | ({"near": alike.near_duplicates} if alike.power else {})
    rows = tuple(
        Row(
            name,
            tuple(
                str(number)
                for of_class in kinds.values()
                for number in dataclasses.astuple(of_class[name])
            ),
        )
        for name in alike.twins
    )
    links = ("redundant", "val in fit", "test in fit", "test in fit or val")
    counts = Table(tuple(f"{kind}: {column}" for kind in kinds for column in links), rows, _COUNTS)
    if not alike.power:
        return (counts,)
    found = tuple(Row(how, (f"{100 * share:.0f} %",)) for how, share in alike.power.items())
    return (counts, Table(("found",), found, _POWER))


def pictures(leakage: Leakage) -> tuple[SectionPicture, ...]:
    """Returns the picture of the worst pairs, if there are any."""
    pairs = () if leakage.alike is None else to_draw(leakage.alike)
    if not pairs:
        return ()
    listed = "; ".join(
        f"{number}: {pair.first} ({pair.labels[0]}, {pair.parts[0]}) and {pair.second} "
        f"({pair.labels[1]}, {pair.parts[1]}), {pair.correlation:.3f}"
        for number, pair in enumerate(pairs, start=1)
    )
    caption = printable(
        "Pairs under two labels first, then pairs in different parts, evenly from the most alike "
        f"to the least that still counts; with the correlation of their details. {listed}."
    )
    return (SectionPicture(PICTURE, f"{len(pairs)} pairs of images that are alike", caption),)


def _power(alike: Alike) -> str:
    """Says which planted copies are found."""
    surely = [how for how, share in alike.power.items() if share >= _ALL_FOUND]
    others = [
        f"{how} {100 * share:.0f} %" for how, share in alike.power.items() if share < _ALL_FOUND
    ]
    text = f"of planted copies, all are found of: {'; '.join(surely)}" if surely else ""
    if others:
        text += (". Of others: " if text else "of planted copies are found: ") + "; ".join(others)
    return text


def _conflicts(alike: Alike) -> list[str]:
    if not alike.conflicts:
        return []
    named = "; ".join(
        f"{pair.first} ({pair.labels[0]}) and {pair.second} ({pair.labels[1]})"
        for pair in alike.conflicts[:_NAMED]
    )
    more = "; ..." if alike.num_conflicts > _NAMED else ""
    count = counted(alike.num_conflicts, "pair")
    return [printable(f"warning: {count} of images alike under two labels: {named}{more}")]


TOO_SMALL = "near-duplicates are not looked for in images of so few pixels"
NOT_ASKED = (
    "near-duplicates were not looked for (split.look_for=twins): wherever they are spoken of, "
    "images of equal pixels are meant"
)
_COUNTS = (
    "Images with equal pixels (twins), and images that a chain of near-duplicates or twins links. "
    "Redundant: all but one of each linked set, within the class. Test in fit: test images linked "
    "to a fit image."
)
_POWER = (
    "Of copies of fit images that were planted after a change, the share that the search links to "
    "their original."
)
