"""Which images belong together: those of one patient, or of one stack."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from synthmed_jax.data import grouping
from synthmed_jax.data.formats import dicom
from synthmed_jax.data.formats.opened import DecodeError
from synthmed_jax.data.settings import NEAR_DUPLICATES
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256

NO_GROUPS = "none"


@dataclasses.dataclass(frozen=True)
class Groups:
    """The group of every image.

    Attributes:
      numbers: i64[N], from 0.
      by: what makes the images of a group belong together, as it is said in rule and table.
      external: whether the groups follow from more than the files' names and the settings.
      source: what warnings about the groups are about, so that one knows where to change it.
    """

    numbers: np.ndarray
    by: str
    external: bool
    source: str = "split.group_by"

    @property
    def digest(self) -> str:
        """sha256 over the group of every image."""
        return sha256(self.numbers.tobytes())


def group_images(
    sources: Sequence[str],
    group_by: str,
    patients: Mapping[str, str] | None,
    tag_of: Callable[[str, str], str],
    components_of: Callable[[], np.ndarray] | None = None,
) -> Groups | None:
    """Groups images by the setting, else by the patients of a table of labels, else by stacks.

    Near-duplicates are groups where the setting says so, and neither patients nor stacks are known.

    Args:
      sources: the file that each image is from; of a stack, many images are.
      group_by: the setting `split.group_by`.
      patients: file -> patient; None where there is no such table.
      tag_of: (file, keyword) -> a tag of a DICOM file.
      components_of: returns i64[N], the same number for images that near-duplicates link; needed
        for them alone.

    Returns:
      None where nothing says that images belong together.

    Raises:
      UserError: the setting is wrong, or a file has no group.
    """
    if group_by not in (NO_GROUPS, NEAR_DUPLICATES):
        keyword = group_by.removeprefix(grouping.DICOM)
        files = list(dict.fromkeys(sources))  # each is asked for once, however many images it has
        numbers = grouping.assign_groups(files, group_by, lambda file: tag_of(file, keyword))
        number_of = dict(zip(files, numbers.tolist(), strict=True))
        external = group_by.startswith(grouping.DICOM) or grouping.is_table(group_by)
        return Groups(np.asarray([number_of[s] for s in sources], np.int64), group_by, external)
    if patients is not None:
        names = [patients[source] for source in sources]
        return Groups(
            _numbers(names),
            "the patients of config.data.table",
            external=True,
            source="the column of patients in config.data.table",
        )
    if len(set(sources)) < len(sources):
        return Groups(
            _numbers(sources),
            "file, since files hold several images",
            external=True,
            source="the grouping by file",
        )
    if group_by == NEAR_DUPLICATES:
        assert components_of is not None
        return Groups(components_of(), group_by, external=False)
    return None


def tag_reader(content_of: Callable[[str], bytes]) -> Callable[[str, str], str]:
    """Returns how a tag of a file is read: (file, keyword) -> its text, "" where it is empty.

    The reader raises UserError where a file is no DICOM file, or DICOM has no such tag.

    Args:
      content_of: file -> its bytes.
    """

    def tag_of(file: str, keyword: str) -> str:
        try:
            return dicom.read_tag(content_of(file), keyword)
        except DecodeError as error:
            raise UserError(
                f"split.group_by=dicom:{keyword}, and {file} has no such field ({error}): group "
                "the images by a table of patients or by their names (docs/data.md)"
            ) from error

    return tag_of


def find_patients(
    sources: Sequence[str], is_dicom: np.ndarray, tag_of: Callable[[str], str]
) -> np.ndarray | None:
    """Looks for the patients that DICOM files name, where no setting asks for them.

    Args:
      sources: the file that each image is from.
      is_dicom: bool[N], whether that file is one of DICOM.
      tag_of: file -> its PatientID; "" where it has none.

    Returns:
      i64[N], numbers of patients from 0, and -1 for images whose file names none; None where no
      file names any.
    """
    of_dicom = dict.fromkeys(s for s, found in zip(sources, is_dicom, strict=True) if found)
    patients = {file: name for file in of_dicom if (name := tag_of(file))}
    if not patients:
        return None
    number_of = dict(zip(patients, _numbers(list(patients.values())).tolist(), strict=True))
    return np.asarray([number_of.get(source, -1) for source in sources], np.int64)


def _numbers(names: Sequence[str]) -> np.ndarray:
    """i64[N]: from 0, in order of the names."""
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64).reshape(-1)
