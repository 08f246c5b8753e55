"""The split into `fit`, `val` and `test`: stratified, seeded, whole groups when asked for.

`fit` + `val` is the part that the generator's side may see (the paper's 20 %), `test` the rest.
This module writes all three but reads back only the first two: held_out.py alone reads the third.
"""

import dataclasses
import json
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from synthmed_jax.data import grouping
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import SplitSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import write_json


@dataclasses.dataclass(frozen=True)
class Split:
    """Sorted indices i64[...] of the three parts, which are disjoint and cover everything.

    `rule` says in words how the counts came about, and which were reached; `groups` i64[N] is the
    group (patient) of every image, None where none were asked for.
    """

    fit: np.ndarray
    val: np.ndarray
    test: np.ndarray
    rule: str
    groups: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Parts:
    """What training and every choice may read; `fit_groups` i64[N] where the split is by groups."""

    fit: ImageSet
    val: ImageSet
    fit_groups: np.ndarray | None


def split_indices(
    labels: np.ndarray, class_names: Sequence[str], files: Sequence[str], settings: SplitSettings
) -> Split:
    """Divides images into fit, val and test.

    Counts are exact without groups. With groups no group straddles two parts, and the counts are
    as near to the wanted ones as a local search over moves and swaps of whole groups gets; classes
    are never left out of a part that they could be in.

    Args:
      labels: i32[N], indices into class_names.
      files: N distinct relative paths; the result depends on them, not on their order.

    Raises:
      UserError: a class is unknown, too small for its count or without `fit` or `test` images; a
        file has no group.
    """
    labels = np.asarray(labels)
    sizes = np.bincount(labels, minlength=len(class_names))
    wanted = _wanted_counts(settings, class_names, sizes)
    wanted_val = [_val_count(settings.val_fraction, count) for count in wanted]
    order = np.asarray(sorted(range(len(files)), key=lambda index: files[index]), np.int64)
    groups = None
    if settings.group_by == "none":
        development, val = _pick_images(labels[order], wanted, wanted_val, settings.seed)
    else:
        groups = grouping.assign_groups(files, settings.group_by)
        development, val = grouping.pick_groups(
            labels[order], groups[order], np.asarray(wanted), np.asarray(wanted_val), settings.seed
        )
    parts = (development & ~val, val, ~development)
    fit, val_indices, test = (np.sort(order[part]) for part in parts)
    for name, part, smaller in (("fit", fit, "val_fraction"), ("test", test, "fraction or counts")):
        empty = [class_names[c] for c in range(len(class_names)) if not (labels[part] == c).any()]
        if empty:
            raise UserError(
                f"no {name} image in class {', '.join(empty)}: it needs more images or groups, or "
                f"a smaller split.{smaller}"
            )
    reached = np.bincount(labels[order[development]], minlength=len(class_names))
    rule = _describe(settings, class_names, wanted, reached, len(test))
    return Split(fit, val_indices, test, rule, groups)


def write_split(
    path: Path,
    split: Split,
    images: ImageSet,
    data_hash: str,
    unreadable: Sequence[str],
    settings: SplitSettings,
) -> None:
    """Writes split.json atomically; equal splits give equal bytes.

    Fields: rule, seed, data_hash, class_names, counts by class (total, fit, val, test), unreadable
    files, and per part the list of {"file", "label"}, label being the class's name, with "group", a
    number, where the split is by groups.
    """
    parts = {"fit": split.fit, "val": split.val, "test": split.test}
    counts = {
        name: {"total": int((images.labels == label).sum())}
        | {part: int((images.labels[chosen] == label).sum()) for part, chosen in parts.items()}
        for label, name in enumerate(images.class_names)
    }
    document: dict[str, Any] = {
        "rule": split.rule,
        "seed": settings.seed,
        "data_hash": data_hash,
        "class_names": list(images.class_names),
        "counts": counts,
        "unreadable": list(unreadable),
    }
    for part, chosen in parts.items():
        document[part] = [
            {"file": images.files[i], "label": images.class_names[images.labels[i]]}
            | ({} if split.groups is None else {"group": int(split.groups[i])})
            for i in chosen
        ]
    write_json(path, document)


def read_parts(path: Path, images: ImageSet) -> Parts:
    """Reads fit and val of a split.json, with their images from `images` (the whole data set).

    Raises:
      UserError: the file names an image or a label that `images` does not have.
    """
    document = json.loads(path.read_text())
    groups = [entry["group"] for entry in document["fit"] if "group" in entry]
    return Parts(
        fit=select(document["fit"], images, path),
        val=select(document["val"], images, path),
        fit_groups=np.asarray(groups, np.int64) if groups else None,
    )


def select(entries: Sequence[dict[str, Any]], images: ImageSet, path: Path) -> ImageSet:
    """Returns the images of {"file", "label"} entries, in their order; `path` is for errors."""
    index_of = {file: index for index, file in enumerate(images.files)}
    indices = []
    for entry in entries:
        index = index_of.get(entry["file"])
        if index is None or images.class_names[images.labels[index]] != entry["label"]:
            raise UserError(
                f"{path} lists {entry['file']} as {entry['label']}, which the data set does not "
                "hold: data.* differs from the run that wrote it; use a new workdir"
            )
        indices.append(index)
    return images.subset(indices)


def _wanted_counts(
    settings: SplitSettings, class_names: Sequence[str], sizes: np.ndarray
) -> list[int]:
    """Returns fit + val images by class: ceil(fraction * n), or the count given by name."""
    # Exact decimals: in floats 0.07 * 100 is a little over 7, and its ceiling 8.
    fraction = Fraction(repr(float(settings.fraction)))
    wanted = [math.ceil(fraction * int(size)) for size in sizes]
    for item in filter(None, (part.strip() for part in settings.counts.split(","))):
        name, _, number = (text.strip() for text in item.partition("="))
        if name not in class_names:
            raise UserError(
                f"split.counts names class {name!r}; classes are {', '.join(class_names)} "
                '(write "name=number,name=number")'
            )
        if not number.isdecimal() or int(number) < 1:
            raise UserError(f"split.counts: {item!r} needs a whole number of at least 1")
        label = list(class_names).index(name)
        if int(number) > sizes[label]:
            raise UserError(f"split.counts asks for {item}, but {name} has {sizes[label]} images")
        wanted[label] = int(number)
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
    num_test: int,
) -> str:
    taken = f"ceil({settings.fraction} n) images a class"
    if settings.counts:
        taken = f"{settings.counts} images (other classes: {taken})"
    text = f"fit + val: {taken}, stratified, seed {settings.seed}; "
    text += f"val: {settings.val_fraction} of them, rounded half up; test: the other {num_test}"
    if settings.group_by != "none":
        pairs = zip(class_names, wanted, reached, strict=True)
        counts = ", ".join(f"{name} {have} of {want}" for name, want, have in pairs)
        text += f"; whole groups by {settings.group_by}, fit + val reached: {counts}"
    return text
