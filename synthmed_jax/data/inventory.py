"""Counts what was found in the data set's folder: pure functions from facts to an `Inventory`."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence

import numpy as np

from synthmed_jax.data import copies, grouping
from synthmed_jax.data.acceptance import DARK
from synthmed_jax.data.counted import counted
from synthmed_jax.data.facts import UNREADABLE, Facts, GreyScale
from synthmed_jax.data.groups import Groups
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DICOM_WINDOW, DataSettings
from synthmed_jax.results.inventory import ClassInventory, Inventory, LeftOutFiles

# Shares of a class's images that differ by more than this between classes are a shortcut: networks
# tell the classes apart by them.
SHORTCUT = 0.25
# A class in which half of the images have at least this share of their pixels black or white has
# no grey levels to learn from: masks, or a window that does not fit.
TWO_LEVELS = 0.9
_EXAMPLES = 5
_NAMED = 20  # unreadable files of a class that are named one by one


def make_inventory(
    images: ImageSet,
    facts: Facts,
    left_out: Sequence[LeftOut],
    grey_scales: Sequence[GreyScale],
    groups: Groups | None,
    settings: DataSettings,
    patients: np.ndarray | None = None,
) -> Inventory:
    """Counts, class by class.

    Args:
      images: all of them; the pixels are not read.
      facts: what was seen of each.
      left_out: files that are no part of the data set.
      grey_scales: of the kinds of files that are not 8-bit.
      groups: of the images.
      settings: how the images were read.
      patients: i64[N], the patient of each image where its file names one and the split does not
        heed it, else -1; None: no file does.
    """
    classes = tuple(
        _of_class(
            name,
            np.flatnonzero(images.labels == label),
            facts,
            groups,
            settings.square,
            patients,
        )
        for label, name in enumerate(images.class_names)
    )
    sentence, warnings = "", list(_shortcuts(classes, channels=images.images.shape[-1]))
    if groups is not None:
        sentence, about_groups = grouping.describe(
            groups.numbers, images.labels, images.class_names, groups.source
        )
        sentence = f"{sentence}, by {groups.by}"
        warnings += about_groups
    told = ""
    if patients is not None:
        units = np.arange(len(patients)) if groups is None else groups.numbers
        told, about_patients = _of_patients(patients, units)
        warnings += about_patients
    warnings += _without_greys(images, facts, settings.window)
    warnings += _small(facts, side=images.images.shape[1])
    scales = [_in_words(scale) for scale in grey_scales]
    if settings.window == DICOM_WINDOW:
        scales.append("DICOM: each file has its own window, as config.data.window says")
    return Inventory(
        classes=classes,
        left_out=tuple(_count(left_out)),
        grey_scales=tuple(scales),
        groups=sentence,
        stacks=_stacks(facts, settings.slices),
        warnings=tuple(warnings),
        patients=told,
    )


def _of_class(
    name: str,
    indices: np.ndarray,
    facts: Facts,
    groups: Groups | None,
    square: str,
    patients: np.ndarray | None,
) -> ClassInventory:
    rows = facts.rows[indices]
    sizes = collections.Counter(zip(rows["width"].tolist(), rows["height"].tolist(), strict=True))
    per_group = () if groups is None else _sizes(groups.numbers[indices])
    per_patient = () if patients is None else _sizes(patients[indices])
    borders = [1 - min(w, h) / max(w, h) if square == "pad" else 0.0 for w, h in sizes.elements()]
    return ClassInventory(
        name=name,
        images=len(indices),
        files=len({facts.sources[i] for i in indices}),
        formats=facts.count_formats(indices),
        sizes={f"{width}x{height}": count for (width, height), count in sizes.most_common()},
        brightness=round(float(np.median(rows["mean"])), 1),
        nearly_black=int((rows["brightest"] < DARK).sum()),
        nearly_white=int((rows["darkest"] > 255 - DARK).sum()),
        coloured=int(rows["coloured"].sum()),
        copies=copies.count_among(facts, indices),
        groups=None if groups is None else len(np.unique(groups.numbers[indices])),
        group_sizes=per_group,
        border=round(float(np.median(borders)), 3),
        patients=None if patients is None else len(set(patients[indices].tolist()) - {-1}),
        patient_sizes=per_patient,
    )


def _sizes(numbers: np.ndarray) -> tuple[int, ...]:
    """Returns the fewest, median and most images of one group; () where there is none."""
    counts = np.unique(numbers[numbers >= 0], return_counts=True)[1]
    if not len(counts):
        return ()
    return int(counts.min()), int(np.median(counts)), int(counts.max())


def _of_patients(patients: np.ndarray, units: np.ndarray) -> tuple[str, list[str]]:
    """Returns a sentence on patients that the split does not heed, and warnings.

    Args:
      patients: i64[N], -1 where a file names none.
      units: i64[N], what the split keeps on one side: the images of a stack, or one image.
    """
    known = patients[patients >= 0]
    sentence = f"{grouping.describe_sizes(known, 'patient')}, by the field PatientID"
    if len(known) < len(patients):
        sentence += f"; {counted(len(patients) - len(known), 'image')} without one"
    count = len(np.unique(known))
    apart = np.unique(np.stack([known, units[patients >= 0]]), axis=1).shape[1]
    if count == 1 < apart:  # as it is where names were taken out of the files
        return f"{sentence}, which tells nobody apart here", []
    if count == apart:
        return sentence, []
    return sentence, [
        "images of one patient may lie on both sides of the split: "
        "--config.split.group_by=dicom:PatientID keeps them on one"
    ]


def _count(left_out: Sequence[LeftOut]) -> Iterator[LeftOutFiles]:
    """Yields one entry per class and reason."""
    together: dict[tuple[str, str], list[LeftOut]] = {}
    for each in left_out:
        together.setdefault((each.class_name, each.reason), []).append(each)
    for (class_name, reason), files in sorted(together.items()):
        shown = files[: _NAMED if reason == UNREADABLE else _EXAMPLES]
        examples = (f"{f.file} ({f.detail})" if f.detail else f.file for f in shown)
        yield LeftOutFiles(class_name, reason, len(files), tuple(examples))


def _stacks(facts: Facts, slices: str) -> str:
    """Says how many images of the stacks are used; "" where no file is one."""
    used = np.flatnonzero(facts.rows["frames"] > 1)
    stacks = {facts.sources[i]: int(facts.rows["frames"][i]) for i in used}
    if not stacks:
        return ""
    return (
        f"{len(stacks)} files hold {sum(stacks.values())} images, of which {len(used)} are used, "
        f"as config.data.slices={slices} says"
    )


def _in_words(scale: GreyScale) -> str:
    return f"{scale.kind}: {scale.low:g} to {scale.high:g} become 0 to 255 ({scale.why})"


def _shortcuts(classes: Sequence[ClassInventory], channels: int) -> Iterator[str]:
    """Yields what a network could tell the classes apart by, and colours that are lost."""
    total = sum(each.images for each in classes)
    if channels == 1 and sum(each.coloured for each in classes) > total / 2:
        yield "the images have colours, and are made grey: --config.data.channels=3 keeps them"
    shares = {each.name: each.coloured / each.images for each in classes}
    if _differ(shares):
        yield f"colour differs between classes: {_each(shares)} of the images are coloured"
    shares = {each.name: each.border for each in classes}
    if _differ(shares):
        yield (
            f"black borders differ between classes: {_each(shares)} of the square in the median "
            "image; networks may tell the classes apart by them: --config.data.square=crop or "
            "stretch adds none"
        )
    for one in sorted({name for each in classes for name in each.formats}):
        shares = {each.name: each.formats.get(one, 0) / each.images for each in classes}
        if _differ(shares):
            yield f"formats differ between classes: {_each(shares)} of the images are {one}"


def _differ(shares: dict[str, float]) -> bool:
    return max(shares.values()) - min(shares.values()) > SHORTCUT


def _each(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())


def _without_greys(images: ImageSet, facts: Facts, window: str) -> Iterator[str]:
    """Yields a sentence about classes whose pixels are black and white, and hardly ever grey."""
    shares = {
        name: float(np.median(facts.rows["extremes"][images.labels == label]))
        for label, name in enumerate(images.class_names)
    }
    found = {name: share for name, share in shares.items() if share >= TWO_LEVELS}
    if found:
        cause = (
            f"config.data.window={window!r} may not fit their values"
            if window
            else "are these masks?"
        )
        yield (
            f"hardly any grey levels: {_each(found)} of the pixels of the median image are "
            f"black or white; {cause}"
        )


def _small(facts: Facts, side: int) -> Iterator[str]:
    """Yields a sentence about images that have next to no pixels."""
    widths, heights = facts.rows["width"], facts.rows["height"]
    small = np.flatnonzero(4 * np.minimum(widths, heights) < side)
    if len(small):
        shown = [f"{facts.sources[i]} ({widths[i]}x{heights[i]})" for i in small[:_EXAMPLES]]
        more = " ..." if len(small) > _EXAMPLES else ""
        yield (
            f"{len(small)} images have a side below a quarter of data.image_size={side}: "
            f"{', '.join(shown)}{more}"
        )
