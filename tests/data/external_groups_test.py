import numpy as np
import pytest

from synthmed_jax.data.external_groups import group_external
from synthmed_jax.errors import UserError

FILES = ("a/p1_0.png", "a/p1_1.png", "b/p2_0.png")
STACKS = ("a/1.tif", "a/1.tif", "b/1.tif")
ALIKE = np.asarray([0, 1, 1])


def no_dicom(file, keyword):
    raise UserError(f"{file} has no {keyword}")


def patient(file, keyword):
    assert keyword == "PatientID"
    return file[2:4]


@pytest.mark.parametrize(
    ("files", "group_by", "tag_of", "expected", "by"),
    [
        (FILES, "near_duplicates", no_dicom, [0, 1, 1], "'near_duplicates', among themselves"),
        (FILES, "^(p\\d)", no_dicom, [0, 0, 1], "config.split.group_by='^(p"),
        (FILES, "blocks:2", no_dicom, [0, 0, 1], "'blocks:2'"),
        (FILES, "dicom:PatientID", patient, [0, 0, 1], "'dicom:PatientID'"),
        (STACKS, "none", no_dicom, [0, 0, 1], "file, since files hold several images"),
        (STACKS, "near_duplicates", no_dicom, [0, 0, 1], "file, since files hold several images"),
    ],
)
def test_images_are_grouped_by_the_runs_rule(files, group_by, tag_of, expected, by):
    found = group_external(files, group_by, tag_of, lambda: ALIKE)
    assert found.numbers.tolist() == expected
    assert by in found.by
    assert found.why == ""


@pytest.mark.parametrize(
    ("group_by", "components", "why"),
    [
        ("none", ALIKE, "config.split.group_by='none' asks for no groups"),
        ("near_duplicates", np.arange(3), "no two of them are of one group"),
        ("near_duplicates", np.zeros(3, int), "all of them are of one group"),
        ("^(x\\d)", ALIKE, "finds no group in the file name a/p1_0.png"),
        ("dicom:PatientID", ALIKE, "a/p1_0.png has no PatientID"),
        ("patients.csv", ALIKE, "'patients.csv' is a table of the run's own images"),
    ],
)
def test_images_that_can_not_be_grouped_are_independent_and_it_says_why(group_by, components, why):
    found = group_external(FILES, group_by, no_dicom, lambda: components)
    assert (found.numbers, found.by) == (None, "")
    assert why in found.why
