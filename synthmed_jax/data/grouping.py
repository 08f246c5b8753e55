"""Groups that must not straddle parts, such as the images of one patient."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from synthmed_jax.data import blocks, table_columns, table_rows, tables
from synthmed_jax.data.counted import counted
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.errors import UserError

DICOM = "dicom:"
_EMPTY = 10**6  # cost of a class that a part lacks: above that of any miss in the counts
_STARTS = 10  # random starts of the local search


def assign_groups(
    files: Sequence[str], group_by: str, tag_of: Callable[[str], str] | None = None
) -> np.ndarray:
    """Returns i64[N], the group of each file: numbers from 0, in order of the groups' names.

    Args:
      files: N relative POSIX paths.
      group_by: one of
        the path of a table (.csv or .tsv) with the columns `file,patient`, or with others that
        table_columns.py finds; its cells name images as image_names.py says;
        "dicom:" and the name of a DICOM field, such as dicom:PatientID;
        "blocks:" and a number of files, such as blocks:20 (blocks.py);
        a regular expression whose first group (or, without groups, whole match) is the name of the
        image's group. It is searched in the base name; an expression that contains a "/" is
        searched in the whole relative path.
      tag_of: file -> the value of the DICOM field that `group_by` names, "" where it has none; read
        for "dicom:" alone.

    Raises:
      UserError: the expression is wrong or a file does not match; the table is missing, malformed,
        contradictory, or lacks a file; a file lacks the DICOM field.
    """
    if is_table(group_by):
        names = _from_table(files, Path(group_by).expanduser())
    elif group_by.startswith(DICOM):
        names = _from_tags(files, group_by, tag_of)
    elif group_by.startswith(blocks.BLOCKS):
        names = blocks.block_names(files, blocks.size_of(group_by))
    else:
        names = _from_expression(files, group_by)
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64).reshape(-1)


def is_table(group_by: str) -> bool:
    """Whether `group_by` names a table; spreadsheets count, so that they are refused as such."""
    return group_by.lower().endswith((".csv", ".tsv", *tables.SPREADSHEETS))


def describe_sizes(groups: np.ndarray, thing: str) -> str:
    """Returns "24 groups, 1 to 8 images each (median 4)".

    Args:
      groups: i64[N], the group of each image; N > 0.
      thing: what a group is, "group" or "patient".
    """
    sizes = np.unique(groups, return_counts=True)[1]
    low, high = int(sizes.min()), int(sizes.max())
    span = f"{low} to {high}" if low < high else f"{low}"
    text = f"{counted(len(sizes), thing)}, {span} image{'' if high == 1 else 's'} each"
    return text + (f" (median {np.median(sizes):g})" if low < high else "")


def describe(
    groups: np.ndarray, labels: np.ndarray, class_names: Sequence[str], source: str
) -> tuple[str, list[str]]:
    """Describes groups, so that a pattern that groups nothing or everything is noticed.

    Args:
      groups, labels: i64[N], the group and the class of each image; N > 0.
      source: what made the groups, `Groups.source`.

    Returns:
      `describe_sizes`, and warnings: every group is one image, there are fewer than 3 groups, or a
      class is all in one group.
    """
    count = len(np.unique(groups))
    warnings = []
    if count == len(groups):
        warnings.append(
            f"{source} groups nothing: {counted(count, 'group')} of one image; the split is by "
            "image"
        )
    if count < 3:
        warnings.append(
            f"{source} makes {counted(count, 'group')} of all images: fit, "
            "val and test need three at least"
        )
    else:
        alone = [
            name
            for label, name in enumerate(class_names)
            if len(groups[labels == label]) > 1 and len(np.unique(groups[labels == label])) == 1
        ]
        if alone:
            warnings.append(
                f"{source} puts each of these classes into one group, which can't be "
                f"divided: {', '.join(alone)}"
            )
    return describe_sizes(groups, "group"), warnings


def pick_groups(
    labels: np.ndarray,
    groups: np.ndarray,
    wanted: np.ndarray,
    wanted_val: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Chooses whole groups for development (fit + val), and of those for val.

    Args:
      labels, groups: i64[N], the class and the group of each image.
      wanted: i64[K], images per class for development.
      wanted_val: i64[K], how many of those go into val.
      seed: decides among equally good choices.

    Returns:
      Masks bool[N] of development and of val, which is inside development.
    """
    sizes = np.zeros((groups.max() + 1, len(wanted)), np.int64)
    np.add.at(sizes, (groups, labels), 1)
    rng = np.random.default_rng(seed)
    development = _nearest_choice(sizes, wanted, rng)
    inside = np.flatnonzero(development)
    val = np.zeros(len(sizes), bool)
    val[inside] = _nearest_choice(sizes[inside], wanted_val, rng)
    return development[groups], val[groups]


def _nearest_choice(sizes: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Chooses groups whose sizes i64[G,K] add up to nearly wanted i64[K]; returns bool[G].

    The best of several local searches from random starts. A choice that lacks a class of which
    images are wanted costs more than any miss in the counts. One that leaves nothing of a class
    behind costs twice that: when val is chosen, what is left behind is `fit`.
    """
    total = sizes.sum(axis=0)

    def cost(have: np.ndarray) -> np.ndarray:
        """Images per class i64[..., K] -> what choosing them costs, i64[...]."""
        missing = _EMPTY * ((have == 0) & (wanted > 0))
        used_up = 2 * _EMPTY * ((have == total) & (total > 0))
        return (np.abs(have - wanted) + missing + used_up).sum(axis=-1)

    best, best_cost = np.zeros(len(sizes), bool), cost(np.zeros_like(total))
    for _ in range(_STARTS):
        chosen = _search(sizes, cost, rng)
        if cost(sizes[chosen].sum(axis=0)) < best_cost:
            best, best_cost = chosen, cost(sizes[chosen].sum(axis=0))
        if best_cost == 0:
            break
    return best


def _search(
    sizes: np.ndarray, cost: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Returns bool[G], a choice that moving or swapping any one group makes no cheaper.

    Groups are first taken in random order, each if that lowers the cost.
    """
    chosen, have = np.zeros(len(sizes), bool), np.zeros(sizes.shape[1], np.int64)
    for group in rng.permutation(len(sizes)):
        if cost(have + sizes[group]) < cost(have):
            chosen[group] = True
            have = have + sizes[group]
    improved = True
    while improved and cost(have) > 0:
        improved = False
        for out in _moves(chosen, rng):
            outside = np.flatnonzero(~chosen)
            without = have - sizes[out] if out >= 0 else have
            # Row 0 only takes `out` out; each other row also puts one group from outside in.
            options = np.vstack([without, without + sizes[outside]])
            best = int(np.argmin(cost(options)))
            if cost(options[best]) < cost(have):
                if out >= 0:
                    chosen[out] = False
                if best > 0:
                    chosen[outside[best - 1]] = True
                have, improved = options[best], True
    return chosen


def _moves(chosen: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yields what to take out: -1 for nothing, then each group that is chosen at its turn."""
    yield -1
    for group in rng.permutation(len(chosen)):
        if chosen[group]:
            yield int(group)


def _from_expression(files: Sequence[str], expression: str) -> list[str]:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise UserError(
            f"split.group_by={expression!r} is no regular expression: {error}"
        ) from error
    names = []
    for file in files:
        match = pattern.search(file if "/" in expression else PurePosixPath(file).name)
        name = (match[1] if pattern.groups else match[0]) if match else None
        if not name:
            raise UserError(f"split.group_by={expression!r} finds no group in the file name {file}")
        names.append(name)
    return names


def _from_tags(
    files: Sequence[str], group_by: str, tag_of: Callable[[str], str] | None
) -> list[str]:
    tag = group_by.removeprefix(DICOM)
    if tag_of is None:
        raise UserError(f"split.group_by={group_by!r}: the images of this data set are not DICOM")
    names = [tag_of(file).strip() for file in files]
    empty = [file for file, name in zip(files, names, strict=True) if not name]
    if empty:
        # The files are named, and never what a field of a patient says.
        raise UserError(
            f"split.group_by={group_by!r}: no {tag} in {counted(len(empty), 'file')}: "
            f"{_some(empty)}; leave them out with --config.data.exclude, or "
            "group them by a table or by name"
        )
    return names


def _from_table(files: Sequence[str], path: Path) -> list[str]:
    table = tables.read_table(path, "split.group_by")
    names = ImageNames(files)
    of_file = table_columns.find_file_column(table, names)
    needs = f"{path} needs the columns file,patient, has {','.join(table.columns)}"
    if len(of_file) > 1:
        several = ", ".join(table.columns[column] for column in of_file)
        raise UserError(f"{needs}: {several} may all name the images; call one of them file")
    if not of_file:
        raise UserError(f"{needs}, and no column has a cell that fits an image: {table}")
    of_patient = table_columns.find_patient_column(table, of_file[0])
    if of_patient is None:
        raise UserError(f"{needs}: call the one that tells the patients patient. It has: {table}")
    rows = table_rows.match_rows(table, of_file[0], names)
    missing = [file for file in files if file not in rows.of_image]
    if missing:
        spare = table_rows.examples(table, rows.of_none, of_file[0])
        raise UserError(
            f"{path} lacks {counted(len(missing), 'image')} of the data set: {_some(missing)}; "
            + (f"it has these that fit no image: {spare}" if spare else "all its rows are used")
        )
    patients = table_rows.values_of(table, rows, of_patient, "patient")
    chosen = (table.columns[of_file[0]], table.columns[of_patient])
    if tuple(map(table_columns.heading, chosen)) != ("file", "patient"):
        print(f"{path}: columns file={chosen[0]}, patient={chosen[1]}", flush=True)
    return [patients[file] for file in files]


def _some(files: Sequence[str]) -> str:
    return ", ".join(files[:3]) + (" ..." if len(files) > 3 else "")


def connect(one: np.ndarray, other: np.ndarray | None) -> np.ndarray:
    """Numbers i64[N] that are equal where chains of equal numbers connect two images.

    Args:
      one, other: numbers i[N] of two kinds of groups; None: there is no second kind.
    """
    _, first = np.unique(one, return_inverse=True)
    if other is None or not len(one):
        return np.asarray(first, np.int64)
    _, second = np.unique(other, return_inverse=True)
    offset = int(first.max()) + 1
    size = offset + int(second.max()) + 1
    links = sparse.coo_matrix((np.ones(len(first)), (first, second + offset)), (size, size))
    _, found = csgraph.connected_components(links, directed=False)
    return np.asarray(found[first], np.int64)
