"""What a data set is refused for once its files are open: each refusal says the way on."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence

import numpy as np

from synthmed_jax.data.counted import counted
from synthmed_jax.data.facts import UNREADABLE, Facts
from synthmed_jax.data.formats.opened import EIGHT_BITS, Kind
from synthmed_jax.data.sets.flags import some
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DICOM_WINDOW, window_of
from synthmed_jax.errors import UserError
from synthmed_jax.printable import printable

# An image whose brightest pixel is below this is nearly black; one whose darkest pixel is as far
# from white is nearly white.
DARK = 32


def check_stacks(found: Mapping[str, int]) -> None:
    """Refuses stacks of which no setting says what is used: file -> number of its images."""
    if found:
        shown = some(f"{file} ({count})" for file, count in found.items())
        raise UserError(
            f"stacks of several images in one file: {shown}. Say which of a stack's images "
            "are used: --config.data.slices=all, every:K (each K-th, as every:5), middle or first; "
            "all images of a file then stay on one side of the split"
        )


def check_unreadable(
    left_out: Sequence[LeftOut],
    kinds: Mapping[str, collections.Counter[Kind]],
    class_names: Sequence[str],
) -> None:
    """Refuses a class of which too many files can't be read, or all."""
    problems = []
    for name in class_names:
        in_class = [each for each in left_out if each.class_name == name]
        readable = sum(kinds.get(name, {}).values())
        # Files that hold no image are no failures, but a class of nothing else is one.
        failures = [each for each in in_class if each.reason == UNREADABLE or not readable]
        total = len(failures) + readable
        allowed = max(total / 100, min(5, total / 10))
        if not failures or len(failures) <= allowed:
            continue
        if len(failures) == total:
            problems.append(f"no readable image in class {name}:")
        else:
            problems.append(
                f"{len(failures)} of the {total} images of class {name} can't be read, and at most "
                f"{int(allowed)} may be left out:"
            )
        problems += [printable(f"  {each.file}: {each.detail}") for each in failures[:20]]
        problems += [f"  and {len(failures) - 20} more"] if len(failures) > 20 else []
    if problems:
        problems.append("mend or remove them, or leave them out: --config.data.exclude=<globs>")
        raise UserError("\n".join(problems))


def check_kinds(kinds: Mapping[str, collections.Counter[Kind]], window: str) -> None:
    """Refuses classes that a network could tell apart by how their files store grey values.

    Whether the lowest value is white makes no difference: one scale holds for both. It also refuses
    a window that no file has a use for.

    Args:
      kinds: class -> kind -> number of files.
      window: the setting. Where it gives values, they are in one unit for all kinds but that of 8
        bits, whose levels are no measurements.
    """
    given = window_of(window) is not None
    counts: dict[str, collections.Counter[str]] = {}
    for name, of_class in kinds.items():
        counts[name] = collections.Counter()
        for kind, count in of_class.items():
            merged = "other than 8-bit" if given and kind != EIGHT_BITS else kind.name
            counts[name][merged] += count
    everywhere = {kind for of_class in counts.values() for kind in of_class}
    if window == DICOM_WINDOW and not any(kind.startswith("DICOM") for kind in everywhere):
        raise UserError(
            f"config.data.window={window!r} is for grey DICOM files, and there are none "
            f"({_listed(counts)}): leave it empty, or give the values that become black and white, "
            '--config.data.window="lo,hi"'
        )
    if given and len(everywhere) > 1:
        raise UserError(
            f"config.data.window={window!r} can't hold for files of 8 bits and for others at once "
            f"({_listed(counts)}): convert all files to one kind, or leave some out "
            "(--config.data.exclude=<globs>)"
        )
    if any(set(of_class) != everywhere for of_class in counts.values()):
        raise UserError(
            f"kinds of files differ between classes ({_listed(counts)}): any network could tell "
            "the classes apart by that. Convert all files to one kind, leave some out "
            "(--config.data.exclude=<globs>), or, if none is of 8 bits and all values are in one "
            'unit, give what becomes black and white in that unit: --config.data.window="lo,hi"'
        )


def _listed(counts: Mapping[str, collections.Counter[str]]) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(of_class.items()))
        for name, of_class in counts.items()
    )


def check_names(files: Sequence[str]) -> None:
    """Refuses two images of one name: x#0001 may be a file, and an image of the stack x."""
    twice = [name for name, count in collections.Counter(files).items() if count > 1]
    if twice:
        raise UserError(
            f"{twice[0]} is the name of a file, and that of an image of the stack "
            f"{twice[0].rpartition('#')[0]}: rename the file ({counted(len(twice), 'such name')})"
        )


def check_brightness(facts: Facts, class_names: Sequence[str], window: str) -> None:
    """Refuses a class whose images are all nearly black."""
    brightest = np.zeros(len(class_names), np.int64)
    np.maximum.at(brightest, facts.rows["label"], facts.rows["brightest"])
    for name, level in zip(class_names, brightest.tolist(), strict=True):
        if level < DARK:
            # A window holds for the whole set, and is in the unit of the files: 8-bit levels here.
            of_all = int(brightest.max())
            in_levels = all(each.endswith(EIGHT_BITS.name) for each in facts.formats)
            way_on = (
                f'give the values that become black and white, as --config.data.window="0,{of_all}"'
                if 0 < of_all < DARK and in_levels and not window
                else "look at its files, and at config.data.window"
            )
            raise UserError(
                f"every image of class {name} is nearly black: the brightest pixel of all is "
                f"{level} of 255. Are these masks or label maps? If they are images, {way_on}"
            )
