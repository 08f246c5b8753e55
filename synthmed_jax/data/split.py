"""How `fit` and `val` are drawn: stratified, seeded, whole groups when asked for.

They are the part that the generator's side may see (the paper's 20 %). All the rest is held out:
held_out.py alone uses this module.
"""

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from synthmed_jax.data import class_counts, grouping
from synthmed_jax.data.groups import Groups
from synthmed_jax.data.settings import SplitSettings
from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Division:
    """What is taken out of a data set; all the rest is held out (see held_out.py).

    Attributes:
      fit, val: sorted indices i64[...] of these parts, which are disjoint.
      rule: in words: how the counts came about, and which were reached.
      groups: i64[N], the group (patient) of every image; None where none were asked for.
      grouped_by: what makes the images of a group belong together; "" without groups.
    """

    fit: np.ndarray
    val: np.ndarray
    rule: str
    groups: np.ndarray | None
    grouped_by: str = ""


def divide(
    labels: np.ndarray,
    class_names: Sequence[str],
    files: Sequence[str],
    settings: SplitSettings,
    groups: Groups | None = None,
) -> Division:
    """Takes `fit` and `val` out of a data set.

    Counts are exact without groups. With groups no group straddles two parts, and the counts are
    as near to the wanted ones as a local search over moves and swaps of whole groups gets; no class
    is left out of a part that it could be in.

    Args:
      labels: i32[N], indices into class_names.
      files: N distinct relative paths; the result depends on them, not on their order.
      groups: of the images, which are then never divided.

    Raises:
      UserError: a class is unknown, too small for its count or without `fit` or `test` images.
    """
    labels = np.asarray(labels)
    sizes = np.bincount(labels, minlength=len(class_names))
    wanted = _wanted_counts(settings, class_names, sizes)
    wanted_val = [_val_count(settings.val_fraction, count) for count in wanted]
    order = np.asarray(sorted(range(len(files)), key=lambda index: files[index]), np.int64)
    if groups is None:
        development, val = _pick_images(labels[order], wanted, wanted_val, settings.seed)
    else:
        development, val = grouping.pick_groups(
            labels[order],
            groups.numbers[order],
            np.asarray(wanted),
            np.asarray(wanted_val),
            settings.seed,
        )
    fit = development & ~val
    _check_none_empty("fit", labels[order[fit]], class_names, "val_fraction")
    _check_none_empty("test", labels[order[~development]], class_names, "fraction or counts")
    reached = np.bincount(labels[order[development]], minlength=len(class_names))
    num_rest = int((~development).sum())
    rule = _describe(settings, class_names, wanted, reached, num_rest, groups)
    numbers = None if groups is None else groups.numbers
    grouped_by = "" if groups is None else groups.by
    return Division(np.sort(order[fit]), np.sort(order[val]), rule, numbers, grouped_by)


def _check_none_empty(
    part: str, labels: np.ndarray, class_names: Sequence[str], smaller: str
) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    empty = [name for name, count in zip(class_names, counts, strict=True) if not count]
    if empty:
        raise UserError(
            f"no {part} image in class {', '.join(empty)}: it needs more images or groups, or "
            f"a smaller split.{smaller}"
        )


def _wanted_counts(
    settings: SplitSettings, class_names: Sequence[str], sizes: np.ndarray
) -> list[int]:
    """Returns fit + val images by class: ceil(fraction * n), or the count given by name."""
    # Exact decimals: in floats 0.07 * 100 is a little over 7, and its ceiling 8.
    fraction = Fraction(repr(float(settings.fraction)))
    wanted = [math.ceil(fraction * int(size)) for size in sizes]
    for name, number in class_counts.parse("split.counts", settings.counts, class_names).items():
        label = list(class_names).index(name)
        if number > sizes[label]:
            raise UserError(
                f"split.counts asks for {name}={number}, but {name} has {sizes[label]} images"
            )
        wanted[label] = number
    return wanted


def _val_count(val_fraction: float, count: int) -> int:
    """Rounds half up; at least 1 where it can be spared, and never all."""
    if val_fraction == 0 or count < 2:
        return 0
    rounded = math.floor(Fraction(repr(float(val_fraction))) * count + Fraction(1, 2))
    return min(max(rounded, 1), count - 1)


def _pick_images(
    labels: np.ndarray, wanted: Sequence[int], wanted_val: Sequence[int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns masks bool[N] of development (fit + val) and of val."""
    development, val = np.zeros(len(labels), bool), np.zeros(len(labels), bool)
    for label, (count, count_val) in enumerate(zip(wanted, wanted_val, strict=True)):
        # A stream a class: another class's size does not change this one's split.
        shuffled = np.random.default_rng([seed, label]).permutation(np.flatnonzero(labels == label))
        development[shuffled[:count]] = True
        val[shuffled[:count_val]] = True
    return development, val


def _describe(
    settings: SplitSettings,
    class_names: Sequence[str],
    wanted: Sequence[int],
    reached: np.ndarray,
    num_rest: int,
    groups: Groups | None,
) -> str:
    taken = f"ceil({settings.fraction} n) images a class"
    if settings.counts:
        taken = f"{settings.counts} images (other classes: {taken})"
    text = f"fit + val: {taken}, stratified, seed {settings.seed}; "
    text += f"val: {settings.val_fraction} of them, rounded half up; test: the other {num_rest}"
    if groups is not None:
        pairs = zip(class_names, wanted, reached, strict=True)
        counts = ", ".join(f"{name} {have} of {want}" for name, want, have in pairs)
        text += f"; whole groups by {groups.by}, fit + val reached: {counts}"
    return text
