"""Which images of another tree belong together, by the rule that groups the run's own images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from synthmed_jax.data import grouping
from synthmed_jax.data.groups import group_images
from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class ExternalGroups:
    """The group of every image, or why each is taken for independent of the others.

    Attributes:
      numbers: i64[N], two or more groups, of which one or more hold several images; None: each
        image is independent.
      by: what makes the images of a group belong together, as it is said; "" without groups.
      why: why there are no groups; "" where there are some.
    """

    numbers: np.ndarray | None
    by: str
    why: str


def group_external(
    sources: Sequence[str],
    group_by: str,
    tag_of: Callable[[str, str], str],
    components_of: Callable[[], np.ndarray],
) -> ExternalGroups:
    """Groups images as the run's own are, where what names those groups says something of these.

    A table does not: it lists the run's own files, of which one may have the name of another image
    here.

    Args:
      sources: the file that each image is from; of a stack, many images are.
      group_by: the setting `split.group_by`.
      tag_of: (file, keyword) -> a tag of a DICOM file.
      components_of: returns i64[N], the same number for images that near-duplicates link.
    """
    setting = f"config.split.group_by={group_by!r}"
    if grouping.is_table(group_by):
        return _independent(f"{setting} is a table of the run's own images")
    try:
        groups = group_images(sources, group_by, None, tag_of, components_of)
    except UserError as error:
        return _independent(f"they can't be grouped as the run's own images are ({error})")
    if groups is None:
        return _independent(f"{setting} asks for no groups")
    by = groups.by if groups.by != group_by else f"{setting}, among themselves"
    count = len(np.unique(groups.numbers))
    if count == len(sources):
        return _independent(f"no two of them are of one group by {by}")
    if count == 1:
        return _independent(f"all of them are of one group by {by}")
    return ExternalGroups(groups.numbers, by, "")


def _independent(why: str) -> ExternalGroups:
    return ExternalGroups(None, "", why)
