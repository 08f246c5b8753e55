import hashlib

import numpy as np
import pytest

from synthmed_jax.data.groups import Groups, find_patients, group_images
from synthmed_jax.errors import UserError

SOURCES = ("a/p1_0.png", "a/p1_1.png", "a/p2_0.png", "b/p1_0.png")
STACKS = ("a/2.tif", "a/2.tif", "a/1.tif", "b/1.tif", "b/1.tif")
PATIENTS = {"a/p1_0.png": "Z", "a/p1_1.png": "Y", "a/p2_0.png": "Z", "b/p1_0.png": "X"}

OF_TABLE = "the patients of config.data.table"
COLUMN = "the column of patients in config.data.table"


def no_tag(file: str, keyword: str) -> str:
    return pytest.fail(f"{keyword} of {file} is read")


def test_nothing_says_that_images_belong_together():
    assert group_images(SOURCES, "none", None, no_tag) is None


@pytest.mark.parametrize(
    ("sources", "group_by", "patients", "expected", "by", "external", "source"),
    [
        # The setting is before the table of labels, and that before the stacks.
        (SOURCES, "(p[0-9])", PATIENTS, [0, 0, 1, 0], "(p[0-9])", False, "split.group_by"),
        (SOURCES, "none", PATIENTS, [2, 1, 2, 0], OF_TABLE, True, COLUMN),
        (
            STACKS,
            "none",
            None,
            [1, 1, 0, 2, 2],
            "file, since files hold several images",
            True,
            "the grouping by file",
        ),
        (
            STACKS,
            "none",
            {"a/2.tif": "P", "a/1.tif": "P", "b/1.tif": "Q"},
            [0, 0, 0, 1, 1],
            OF_TABLE,
            True,
            COLUMN,
        ),
        (STACKS, "([0-9])[.]tif", None, [1, 1, 0, 0, 0], "([0-9])[.]tif", False, "split.group_by"),
    ],
)
def test_what_groups_images(sources, group_by, patients, expected, by, external, source):
    groups = group_images(sources, group_by, patients, no_tag)
    assert groups.numbers.dtype == np.int64
    assert groups.numbers.tolist() == expected
    assert (groups.by, groups.external, groups.source) == (by, external, source)


def test_fields_of_dicom_are_read_and_are_no_part_of_the_settings():
    def tag_of(file: str, keyword: str) -> str:
        assert keyword == "PatientID"
        return file[2:4]

    groups = group_images(SOURCES, "dicom:PatientID", None, tag_of)
    assert groups == Groups(pytest.approx(np.array([0, 0, 1, 0])), "dicom:PatientID", True)


def test_a_stack_is_asked_for_its_patient_once_and_named_once():
    asked = []

    def tag_of(file: str, keyword: str) -> str:
        asked.append(file)
        return "" if file == "c" else "P"

    groups = group_images(["a", "a", "b"], "dicom:PatientID", None, tag_of)
    assert groups is not None
    assert groups.numbers.tolist() == [0, 0, 0]
    assert asked == ["a", "b"]
    with pytest.raises(UserError, match=r"no PatientID in 1 file: c; "):
        group_images(["a", "c", "c"], "dicom:PatientID", None, tag_of)


def test_patients_are_looked_for_in_dicom_files_alone():
    names = {"a": "Q", "b": "P", "c": ""}
    sources = ["a", "a", "b", "c", "d"]
    is_dicom = np.array([True, True, True, True, False])
    found = find_patients(sources, is_dicom, names.__getitem__)
    assert found is not None
    assert found.tolist() == [1, 1, 0, -1, -1]
    assert find_patients(sources[3:], is_dicom[3:], names.__getitem__) is None


def test_a_table_of_patients_is_no_part_of_the_settings(tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text("file,patient\n" + "".join(f"{f},{p}\n" for f, p in PATIENTS.items()))
    groups = group_images(SOURCES, str(table), None, no_tag)
    assert groups.numbers.tolist() == [2, 1, 2, 0]
    assert groups.external


def test_a_file_without_a_group_is_named():
    with pytest.raises(UserError, match=r"b/p1_0\.png"):
        group_images(SOURCES, "a/(p[0-9])", None, no_tag)


def test_the_digest_is_of_every_images_group():
    groups = group_images(SOURCES, "none", PATIENTS, no_tag)
    assert groups.digest == hashlib.sha256(np.array([2, 1, 2, 0], np.int64).tobytes()).hexdigest()
    # Other names of the same patients are the same groups.
    same = {file: name.lower() for file, name in PATIENTS.items()}
    assert group_images(SOURCES, "none", same, no_tag).digest == groups.digest
    other = PATIENTS | {"a/p2_0.png": "Y"}
    assert group_images(SOURCES, "none", other, no_tag).digest != groups.digest


def test_near_duplicates_are_groups_where_neither_patients_nor_stacks_are_known():
    alike = np.asarray([0, 0, 1])
    groups = group_images(["a", "b", "c"], "near_duplicates", None, no_tag, lambda: alike)
    assert (groups.numbers.tolist(), groups.by) == ([0, 0, 1], "near_duplicates")
    assert not groups.external  # they follow from the images and the settings

    def unasked() -> np.ndarray:
        pytest.fail("near-duplicates are looked for")

    patients = {"a": "p", "b": "q", "c": "q"}
    groups = group_images(["a", "b", "c"], "near_duplicates", patients, no_tag, unasked)
    assert groups.numbers.tolist() == [0, 1, 1]
    groups = group_images(["a", "a", "b"], "near_duplicates", None, no_tag, unasked)
    assert groups.numbers.tolist() == [0, 0, 1]
    assert group_images(["a", "b", "c"], "none", None, no_tag, unasked) is None
