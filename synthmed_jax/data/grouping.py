"""Groups that must not straddle parts, such as the images of one patient."""

import collections
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from synthmed_jax.errors import UserError

_EMPTY = 10**6  # cost of a class that a part lacks: above that of any miss in the counts
_STARTS = 10  # random starts of the local search


def assign_groups(files: Sequence[str], group_by: str) -> np.ndarray:
    """Returns i64[N], the group of each file: numbers from 0, in order of the groups' names.

    Args:
      files: N relative POSIX paths.
      group_by: either the path of a .csv file with the columns `file,patient` (file: relative path,
        or base name where that is unique), or a regular expression whose first group (or, without
        groups, whole match) is the name of the image's group. It is searched in the base name; an
        expression that contains a "/" is searched in the whole relative path.

    Raises:
      UserError: the expression is wrong or a file does not match; the CSV is missing, malformed,
        contradictory, or lacks a file.
    """
    if is_table(group_by):
        names = _from_csv(files, Path(group_by).expanduser())
    else:
        names = _from_expression(files, group_by)
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64).reshape(-1)


def is_table(group_by: str) -> bool:
    """Whether `group_by` names a CSV file; otherwise it is a regular expression."""
    return group_by.lower().endswith(".csv")


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


def _from_csv(files: Sequence[str], path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            header = [name.strip() for name in reader.fieldnames or ()]
            if "file" not in header or "patient" not in header:
                raise UserError(f"{path} needs the columns file,patient, has {','.join(header)}")
            reader.fieldnames = header
            rows = [((r["file"] or "").strip(), (r["patient"] or "").strip()) for r in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"split.group_by={str(path)!r} can't be read: {error}") from error
    bases = [PurePosixPath(file).name for file in files]
    uses = collections.Counter(bases)
    patients: dict[str, str] = {}
    for file, patient in rows:
        name = file.replace("\\", "/").removeprefix("./")
        if not patient or patients.setdefault(name, patient) != patient:
            raise UserError(f"{path}: {file} has no patient, or two of them")
    names: list[str] = []
    missing: list[str] = []
    for file, base in zip(files, bases, strict=True):
        if file not in patients and base in patients and uses[base] > 1:
            raise UserError(f"{path}: several images are named {base}; give the path, as {file}")
        patient = patients.get(file) or patients.get(base)
        if patient is None:
            missing.append(file)
        names.append(patient or "")
    if missing:
        shown = ", ".join(missing[:10]) + (" ..." if len(missing) > 10 else "")
        raise UserError(f"{path} lacks {len(missing)} images of the data set: {shown}")
    return names
