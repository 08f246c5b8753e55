import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.data import grouping
from synthmed_jax.errors import UserError

FILES = ["a/p1_1.png", "a/p1_2.png", "b/p2_1.png", "b/x/p1_9.png"]


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        (r"p\d", [0, 0, 1, 0]),  # whole match
        (r"^(p\d)_", [0, 0, 1, 0]),  # first group, at the start of the base name
        (r"_(\d)", [0, 1, 0, 2]),
        (r"^\w+/", [0, 0, 1, 1]),  # a slash: the whole path
    ],
)
def test_expression_names_the_group(expression, same):
    groups = grouping.assign_groups(FILES, expression).tolist()
    assert [groups.index(g) for g in groups] == [same.index(s) for s in same]


def test_expression_that_fails():
    with pytest.raises(UserError, match=r"no group in the file name b/p2_1\.png"):
        grouping.assign_groups(FILES, r"p1")
    with pytest.raises(UserError, match="no regular expression"):
        grouping.assign_groups(FILES, "(p")


def test_groups_are_numbered_in_order_of_their_names():
    assert grouping.assign_groups(FILES, r"^\w/(?:x/)?p\d_(\d)").tolist() == [0, 1, 0, 2]


def test_a_field_of_dicom_names_the_group():
    tags = dict(zip(FILES, ("Miller^B", "Baker^A ", "Miller^B", "Baker^A"), strict=True))
    groups = grouping.assign_groups(FILES, "dicom:PatientID", tags.__getitem__)
    assert groups.tolist() == [1, 0, 1, 0]
    with pytest.raises(UserError, match=r"no PatientID in 1 file: a/p1_2\.png") as error:
        grouping.assign_groups(FILES, "dicom:PatientID", (tags | {FILES[1]: " "}).__getitem__)
    assert "^" not in str(error.value)  # what a field says of a patient is shown nowhere
    with pytest.raises(UserError, match="are not DICOM"):
        grouping.assign_groups(FILES, "dicom:PatientID")


@pytest.mark.parametrize(
    ("group_by", "is_table"),
    [("p.csv", 1), ("P.CSV", 1), ("p.tsv", 1), ("p.xlsx", 1), (r"(p\d+)", 0), ("dicom:X", 0)],
)
def test_a_table_is_known_by_its_ending(group_by, is_table):
    assert grouping.is_table(group_by) == bool(is_table)


@pytest.mark.parametrize(
    ("groups", "labels", "text", "warnings"),
    [
        ([0, 0, 1, 1, 1, 1, 2, 3], [0, 1] * 4, "4 groups, 1 to 4 images each (median 1.5)", []),
        ([0, 0, 1, 1, 2, 2], [0, 1] * 3, "3 groups, 2 images each", []),
        ([0, 1, 2, 3], [0, 1] * 2, "4 groups, 1 image each", ["nothing: 4 groups of one image"]),
        ([0] * 4, [0, 1] * 2, "1 group, 4 images each", ["makes 1 group of all images"]),
        (
            [0, 0, 1, 1, 2, 2],
            [0, 0, 1, 1, 1, 1],
            "3 groups, 2 images each",
            ["which can't be divided: a"],
        ),
    ],
)
def test_groups_are_described(groups, labels, text, warnings):
    found, said = grouping.describe(
        np.array(groups), np.array(labels), ("a", "b"), "split.group_by"
    )
    assert found == text
    assert len(said) == len(warnings)
    assert all(part in whole for part, whole in zip(warnings, said, strict=True))


def test_csv_by_path_or_base_name(tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text(
        "\ufefffile, patient,age\na/p1_1.png,anna,3\nb\\p2_1.png,ben,4\np1_2.png,anna,3\n"
        "p1_9.png,ben,4\nother.png,zoe,5\n",
        encoding="utf-8",
    )
    assert grouping.assign_groups(FILES, str(table)).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("files", "text", "message"),
    [
        (FILES, "file,patient\np1_1.png,a\n", "lacks 3 images.*a/p1_2.png"),
        (FILES, "name,id\np1_1.png,a\n", "needs the columns file,patient, has name,id"),
        (FILES, "", "needs the columns"),
        (FILES, "file,id\nx.png,a\n", "needs the columns file,patient, has file,id"),
        (FILES, "x,patient\nx.png,a\n", r"no column has a cell that fits.*x \(1 value: x\.png"),
        (FILES, "x,y,patient\np1_1.png,p1_1,a\n", "x, y may all name the images; call one of them"),
        (
            FILES,
            "file,patient\np1_1.png,a\np2_1.jpeg,b\np9.png,c\n",
            r"lacks 2 images of .*: a/p1_2\.png, .*that fit no image: .*p9\.png \(line 4\)",
        ),
        (["a/1.png"], "file,patient\n1.png,\n", r"no patient \(empty\).* line 2"),
        (["a/1.png"], "file,patient\n1.png,nan\n", r"no patient \(nan\).* line 2"),
        (
            ["a/1.png"],
            "file,patient\n1.png,x\n1.png,y\n",
            r"a/1\.png has several patients: x \(line 2\), y \(line 3\)",
        ),
        (
            ["a/1.png", "b/1.png"],
            "file,patient\n1.png,x\n",
            r"line 2: 1\.png fits several images: a/1\.png, b/1\.png",
        ),
    ],
)
def test_csv_that_fails(tmp_path, files, text, message):
    (tmp_path / "patients.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        grouping.assign_groups(files, str(tmp_path / "patients.csv"))


@pytest.mark.parametrize("name", ["patients.csv", "patients.tsv"])
def test_other_columns_are_found_and_the_choice_is_said(tmp_path, capsys, name):
    (tmp_path / name).write_text("image_id\tlesion_id\np1_1\tx\np1_2\ty\np2_1\ty\np1_9\tx\n")
    assert grouping.assign_groups(FILES, str(tmp_path / name)).tolist() == [0, 1, 1, 0]
    assert "columns file=image_id, patient=lesion_id" in capsys.readouterr().out
    (tmp_path / name).write_text("File\tPatient\np1_1\tx\np1_2\ty\np2_1\ty\np1_9\tx\n,\n")
    assert grouping.assign_groups(FILES, str(tmp_path / name)).tolist() == [0, 1, 1, 0]
    assert not capsys.readouterr().out


def test_a_spreadsheet_is_no_expression(tmp_path):
    with pytest.raises(UserError, match=r"split\.group_by='p\.xlsx' is a spreadsheet"):
        grouping.assign_groups(FILES, "p.xlsx")


def test_csv_that_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.csv.*can't be read"):
        grouping.assign_groups(FILES, str(tmp_path / "nowhere.csv"))


@given(st.data(), st.integers(0, 1000))
def test_groups_never_straddle_and_no_class_is_left_out(data, seed):
    count = data.draw(st.integers(9, 80))
    classes = data.draw(st.integers(1, 3))
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    # At least three groups a class, so that each part can have one.
    groups = labels * 100 + np.concatenate(
        [np.zeros(classes, int), rng.integers(0, 8, count - classes)]
    )
    groups = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(labels)
    wanted = -(-sizes // 5)
    wanted_val = np.maximum(wanted // 6, wanted > 1)
    development, val = grouping.pick_groups(labels, groups, wanted, wanted_val, seed)
    assert not (val & ~development).any()
    for mask in (development, val):
        assert all(len(set(mask[groups == group])) == 1 for group in np.unique(groups))
    for label in range(classes):
        own = labels == label
        if len(np.unique(groups[own])) > 1:
            assert (development & ~val & own).any()
            assert (~development & own).any()


def test_single_images_as_groups_reach_every_count():
    labels = np.repeat([0, 1], [50, 31])
    development, val = grouping.pick_groups(
        labels, np.arange(81), np.array([10, 7]), np.array([2, 1]), 0
    )
    assert np.bincount(labels[development]).tolist() == [10, 7]
    assert np.bincount(labels[val]).tolist() == [2, 1]


def test_uneven_groups_come_near():
    # Patients of 1 to 12 images in two classes, some in both.
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), rng.integers(1, 13, 60))
    labels = (groups % 2) ^ (rng.random(len(groups)) < 0.1)
    wanted = -(-np.bincount(labels) // 5)
    development, _ = grouping.pick_groups(labels, groups, wanted, wanted // 6, 0)
    assert np.abs(np.bincount(labels[development]) - wanted).sum() <= 1


def test_warnings_name_what_made_the_groups():
    numbers, labels = np.arange(4), np.array([0, 1, 0, 1])
    _, (warning,) = grouping.describe(numbers, labels, ("a", "b"), "the column of patients")
    assert warning == (
        "the column of patients groups nothing: 4 groups of one image; the split is by image"
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([3, 5, 3, 9], None, [0, 1, 0, 2]),
        ([0, 1, 2, 3], [7, 7, 8, 9], [0, 0, 1, 2]),
        ([0, 1, 1, 2, 3], [4, 4, 5, 5, 6], [0, 0, 0, 0, 1]),
        ([], [], []),
    ],
)
def test_chains_of_two_kinds_of_groups_are_one(one, other, expected):
    other = None if other is None else np.array(other, np.int64)
    found = grouping.connect(np.array(one, np.int64), other)
    _, first = np.unique(found, return_index=True)
    order = {number: i for i, number in enumerate(found[np.sort(first)])}
    assert [order[number] for number in found] == expected
