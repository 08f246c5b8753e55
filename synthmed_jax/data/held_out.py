"""The one door to the test images: the whole data set is opened here, and only parts leave.

Nothing else may load the whole data set, divide it, or see the list of test images in split.json;
`read_test` is for evaluation, explanation and the audit of synthetic images; `read_membership` is
for the audit's attacks on membership alone.
tests/architecture_test.py asserts all of this.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from synthmed_jax.data import (
    alignment,
    alike_text,
    contact_sheet,
    grouping,
    kept_duplicates,
    loading,
    near_duplicates,
    pair_sheet,
    planted,
    split,
)
from synthmed_jax.data.alike import count_alike
from synthmed_jax.data.copies import Parted, count_copies
from synthmed_jax.data.facts import GreyScale
from synthmed_jax.data.formats import dicom
from synthmed_jax.data.formats.opened import DecodeError
from synthmed_jax.data.groups import (
    NO_GROUPS,
    Groups,
    find_patients,
    group_images,
    tag_reader,
)
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.inventory import make_inventory
from synthmed_jax.data.near_duplicates import Duplicates
from synthmed_jax.data.png import encode_png
from synthmed_jax.data.settings import NEAR_DUPLICATES, TWINS, DataSettings, SplitSettings
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import write_bytes
from synthmed_jax.results.data_files import DataFiles
from synthmed_jax.results.inventory import Inventory
from synthmed_jax.results.leakage import Alike, AlikePair, Leakage
from synthmed_jax.results.split import PartCounts, SplitEntry, SplitFile
from synthmed_jax.results.stored import (
    read_document,
    structure,
    unstructure,
    write_document,
)


@dataclasses.dataclass(frozen=True, eq=False)
class DataSet:
    """A whole real data set, closed: its images are read by the functions of this module alone."""

    _whole: loading.LoadedData

    @property
    def data_hash(self) -> str:
        """sha256 of the source's content."""
        return self._whole.data_hash

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Files that were left out since they can't be decoded."""
        return self._whole.unreadable

    @property
    def grey_scales(self) -> tuple[GreyScale, ...]:
        """Which values became black and white, of the kinds of files that are not 8-bit."""
        return self._whole.grey_scales

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels."""
        return self._whole.images.class_names

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(S, S, C) of every image."""
        height, width, channels = self._whole.images.images.shape[1:]
        return height, width, channels

    def __len__(self) -> int:
        return len(self._whole.images)


@dataclasses.dataclass(frozen=True)
class Parts:
    """What training and every choice may read.

    Attributes:
      fit: what generators and classifiers learn from.
      val: for choices; may be empty.
      fit_groups: i64[len(fit)], the group (patient) of each `fit` image; None without groups.
    """

    fit: ImageSet
    val: ImageSet
    fit_groups: np.ndarray | None


@dataclasses.dataclass(frozen=True, eq=False)
class MembershipSets:
    """Real images that a generator has learned, and as many of each class that it has not.

    Attributes:
      members: of `fit`.
      others: held-out images.
      member_groups, others_groups: i64[N] each, equal for images that are no independent
        witnesses: of one group of the split, or linked as twins or near-duplicates; no number is in
        both.
      linked: bool[N], the others that a chain of twins and near-duplicates links to `fit` or `val`.
        An attack that takes one of them for a learned image is hardly wrong, but counts so.
    """

    members: ImageSet
    others: ImageSet
    member_groups: np.ndarray
    others_groups: np.ndarray
    linked: np.ndarray


@dataclasses.dataclass(frozen=True)
class PlannedSplit:
    """The split as the settings want it, known before it is written.

    Attributes:
      parts: `fit` and `val`.
      num_test: how many images are held out.
    """

    parts: Parts
    num_test: int


def open_data_set(settings: DataSettings) -> DataSet:
    """Opens, decodes and caches a data set; errors as of `loading.load_images`."""
    return DataSet(loading.load_images(settings))


@functools.lru_cache(maxsize=2)  # for the split and for the inventory, where they differ
def group(data: DataSet, settings: SplitSettings) -> Groups | None:
    """Returns which images belong together; errors and None as of `groups.group_images`.

    It is asked for several times in a run, and a field of DICOM files takes a look at them all.
    """
    whole = data._whole

    def components_of() -> np.ndarray:
        return find_duplicates(data, settings).components

    by, sources = settings.group_by, whole.facts.sources
    read_tag = tag_reader(whole.content_of)
    return group_images(sources, by, whole.patients, read_tag, components_of)


def find_duplicates(data: DataSet, settings: SplitSettings) -> Duplicates:
    """Returns which images are alike; the threshold comes from the `fit` of a split by image.

    Errors as of `split.divide`.
    """
    by_image = dataclasses.replace(settings, group_by=NO_GROUPS)
    return _find_duplicates(data, by_image)


@functools.lru_cache(maxsize=1)
def _find_duplicates(data: DataSet, by_image: SplitSettings) -> Duplicates:
    whole = data._whole
    if by_image.look_for == TWINS:
        return near_duplicates.find_twins(whole.images.images)
    return kept_duplicates.find(whole.images.images, _reference(data, by_image), whole.stem)


def _reference(data: DataSet, settings: SplitSettings) -> np.ndarray:
    """i64[M], what a split by image would take for `fit`."""
    whole, by_image = data._whole.images, dataclasses.replace(settings, group_by=NO_GROUPS)
    return split.divide(whole.labels, whole.class_names, whole.files, by_image).fit


def take_inventory(data: DataSet, how: DataSettings, settings: SplitSettings) -> Inventory:
    """Counts what was found in the data set's folder, which was read as `how` says.

    Near-duplicates are no part of it: they take minutes of a large set, and `write_split` counts
    them.
    """
    if settings.group_by == NEAR_DUPLICATES:
        settings = dataclasses.replace(settings, group_by=NO_GROUPS)
    whole, groups = data._whole, group(data, settings)
    patients = None
    if settings.group_by == NO_GROUPS and whole.patients is None:
        is_dicom = whole.facts.is_of("DICOM")
        patients = find_patients(whole.facts.sources, is_dicom, _patient_of(whole))
    return make_inventory(
        whole.images, whole.facts, whole.left_out, whole.grey_scales, groups, how, patients
    )


def _patient_of(whole: loading.LoadedData) -> Callable[[str], str]:
    def patient_of(file: str) -> str:
        try:
            return dicom.read_tag(whole.content_of(file), "PatientID")
        except DecodeError:  # its pixels could be read, so this is no fault to speak of
            return ""

    return patient_of


def list_files(data: DataSet) -> DataFiles:
    """Returns the files of all parts together, and of what they were when they were read."""
    return DataFiles(data._whole.read_digests())


def draw_contact_sheets(data: DataSet, folder: Path) -> list[Path]:
    """Draws images of every class for a person to look at; returns the files written."""
    return contact_sheet.draw_all(data._whole.images, folder)


def plan_split(data: DataSet, settings: SplitSettings) -> PlannedSplit:
    """Divides the data set without writing anything; errors as of `split.divide`."""
    whole, division = data._whole.images, _divide(data, settings)
    groups = division.groups
    fit_groups = None if groups is None else groups[division.fit]
    parts = Parts(whole.subset(division.fit), whole.subset(division.val), fit_groups)
    return PlannedSplit(parts, len(_test_of(division, whole)))


def count_fit(data: DataSet, settings: SplitSettings) -> dict[str, int]:
    """Returns class -> its number of `fit` images; errors as of `split.divide`."""
    whole, division = data._whole.images, _divide(data, settings)
    counted = np.bincount(whole.labels[division.fit], minlength=len(whole.class_names))
    return dict(zip(whole.class_names, counted.tolist(), strict=True))


def write_split(path: Path, data: DataSet, settings: SplitSettings) -> Leakage:
    """Writes split.json atomically; equal splits give equal bytes.

    Returns the identical files and the images that are alike in it, counted.
    """
    whole, division = data._whole.images, _divide(data, settings)
    test = _test_of(division, whole)
    parts = {"fit": division.fit, "val": division.val, "test": test}
    counts = {
        name: PartCounts(
            total=int((whole.labels == label).sum()),
            **{part: int((whole.labels[i] == label).sum()) for part, i in parts.items()},
        )
        for label, name in enumerate(whole.class_names)
    }
    file = SplitFile(
        rule=division.rule,
        seed=settings.seed,
        data_hash=data.data_hash,
        class_names=whole.class_names,
        counts=counts,
        unreadable=data.unreadable,
        fit=tuple(_entries(whole, division.fit, division.groups)),
        val=tuple(_entries(whole, division.val, division.groups)),
        grouped_by=division.grouped_by,
    )
    # The last entry of the file, which its type does not hand out.
    held_out = [unstructure(entry) for entry in _entries(whole, test, division.groups)]
    write_document(path, file.to_document() | {"test": held_out})
    parted = Parted(division.fit, division.val, test)
    leakage = count_copies(data._whole.facts, whole.labels, whole.class_names, parted)
    return dataclasses.replace(leakage, alike=_count_alike(data, settings, parted))


def _count_alike(data: DataSet, settings: SplitSettings, parted: Parted) -> Alike:
    whole, found = data._whole.images, find_duplicates(data, settings)
    reference = np.unique(found.twins[_reference(data, settings)])
    power, unsearched = {}, ""
    if settings.look_for == TWINS:
        unsearched = alike_text.NOT_ASKED
    elif whole.images.shape[1] < alignment.SMALLEST:
        unsearched = alike_text.TOO_SMALL
    else:
        power = planted.measure_power(
            whole.images, np.unique(found.twins), reference, found.threshold, settings.seed
        )
    names = ("fit", "val", "test")
    counted = count_alike(whole, found, parted, names, power, len(reference))
    return dataclasses.replace(counted, unsearched=unsearched)


def draw_alike(data: DataSet, pairs: Sequence[AlikePair], path: Path) -> None:
    """Draws pairs of images that are alike, for a person to look at."""
    whole = data._whole.images
    index_of = {file: index for index, file in enumerate(whole.files)}
    drawn = [
        (whole.images[index_of[pair.first]], whole.images[index_of[pair.second]]) for pair in pairs
    ]
    captions = [
        f"{number}: {pair.parts[0]}, {pair.parts[1]}, {pair.correlation:.3f}"
        for number, pair in enumerate(pairs, start=1)
    ]
    write_bytes(path, encode_png(pair_sheet.draw(drawn, captions)))


def read_parts(path: Path, data: DataSet) -> Parts:
    """Reads `fit` and `val` of a split.json, with their images.

    Raises:
      UserError: the file is damaged, or names an image or a label that the data set does not hold.
    """
    file = SplitFile.read(path)
    groups = [entry.group for entry in file.fit if entry.group is not None]
    return Parts(
        fit=_select(file.fit, data._whole.images, path),
        val=_select(file.val, data._whole.images, path),
        fit_groups=np.asarray(groups, np.int64) if groups else None,
    )


def read_test(path: Path, data: DataSet) -> ImageSet:
    """Reads the test images of a split.json: for evaluation, explanation and the audit alone.

    Errors as of `read_parts`.
    """
    return _select(_test_entries(path), data._whole.images, path)


def read_test_groups(path: Path) -> np.ndarray | None:
    """Reads the group i64[N] of each test image of a split.json: for evaluation, explanation, pool.

    None where images were not kept together: each is its own, or all are of one group. Errors as
    of `read_parts`.
    """
    groups = [entry.group for entry in _test_entries(path) if entry.group is not None]
    return np.asarray(groups, np.int64) if 1 < len(set(groups)) < len(groups) else None


def _test_entries(path: Path) -> tuple[SplitEntry, ...]:
    SplitFile.read(path)  # whose errors are those of a damaged file
    listed = read_document(path).get("test")
    if not listed:
        raise Damaged(path, "is damaged: it lists no test images")
    return structure(listed, tuple[SplitEntry, ...], f"{path}: test")


def has_no_duplicate(path: Path, data: DataSet, settings: SplitSettings) -> np.ndarray:
    """Returns bool[N], of the images of `read_test` in their order: which are new.

    Those that no chain of twins and near-duplicates links to an image of `fit` or `val`. Errors as
    of `read_parts`.
    """
    parts, test = read_parts(path, data), read_test(path, data)
    index_of = {file: index for index, file in enumerate(data._whole.images.files)}
    components = find_duplicates(data, settings).components
    known = components[[index_of[file] for file in (*parts.fit.files, *parts.val.files)]]
    return ~np.isin(components[[index_of[file] for file in test.files]], known)


def read_membership(
    path: Path, data: DataSet, settings: SplitSettings, limit: int, seed: int
) -> MembershipSets:
    """Draws the images on which attacks on membership are tried: for those alone.

    Of each class as many members as others: all of `fit`, where `limit` and the held-out images
    allow it. Both sets are in the same order of classes. Chance alone decides which images are on
    which side, as far as the split left it to chance: were held-out images with a near-duplicate in
    `fit` left out, members would have more near-duplicates among all images than others have, and
    nearness to any set of images would tell them apart.

    Args:
      path: of split.json.
      limit: most images of a set, all classes together; each class has an equal share of it.
      seed: of the draws.

    Errors as of `read_parts`.
    """
    fit, test = read_parts(path, data).fit, read_test(path, data)
    new = has_no_duplicate(path, data, settings)
    rng, most = np.random.default_rng(seed), limit // len(fit.class_names)
    members, others = [], []
    for label in range(len(fit.class_names)):
        of_fit = rng.permutation(np.flatnonzero(fit.labels == label))
        of_test = rng.permutation(np.flatnonzero(test.labels == label))
        n = min(len(of_fit), len(of_test), most)
        members.append(of_fit[:n])
        others.append(of_test[:n])
    chosen = np.concatenate(others)
    drawn = fit.subset(np.concatenate(members)), test.subset(chosen)
    components, groups = find_duplicates(data, settings).components, group(data, settings)
    index_of = {file: index for index, file in enumerate(data._whole.images.files)}
    witnesses = []
    for each in drawn:
        index = [index_of[file] for file in each.files]
        witnesses.append(
            grouping.connect(components[index], None if groups is None else groups.numbers[index])
        )
    of_others = witnesses[1] + 1 + witnesses[0].max(initial=-1)
    return MembershipSets(*drawn, witnesses[0], of_others, ~new[chosen])


def _divide(data: DataSet, settings: SplitSettings) -> split.Division:
    whole, groups = data._whole.images, group(data, settings)
    return split.divide(whole.labels, whole.class_names, whole.files, settings, groups)


def _test_of(division: split.Division, whole: ImageSet) -> np.ndarray:
    """i64[...], sorted indices of all that is neither `fit` nor `val`."""
    known = np.concatenate([division.fit, division.val])
    return np.setdiff1d(np.arange(len(whole)), known)


def _entries(
    whole: ImageSet, indices: np.ndarray, groups: np.ndarray | None
) -> Iterator[SplitEntry]:
    for i in indices:
        group_of = None if groups is None else int(groups[i])
        yield SplitEntry(whole.files[i], whole.class_names[whole.labels[i]], group_of)


def _select(entries: Sequence[SplitEntry], whole: ImageSet, path: Path) -> ImageSet:
    """Returns the images of the entries, in their order."""
    index_of = {file: index for index, file in enumerate(whole.files)}
    indices = []
    for entry in entries:
        index = index_of.get(entry.file)
        if index is None or whole.class_names[whole.labels[index]] != entry.label:
            raise UserError(
                f"{path} lists {entry.file} as {entry.label}, which the data set does not "
                "hold: data.* differs from the run that wrote it; use a new workdir"
            )
        indices.append(index)
    return whole.subset(indices)
