import pytest

from synthmed_jax.data import table_rows
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.errors import UserError

NAMES = ImageNames(["a/1.png", "a/2.png", "b/3.png"])


def test_rows_are_matched_and_what_is_left_has_its_lines(table_of):
    table = table_of("file,label\n1.png,x\n\ngone.png,x\na/1.png,x\n,y\n3,z\n")
    rows = table_rows.match_rows(table, 0, NAMES)
    assert rows.of_image == {"a/1.png": [0, 2], "b/3.png": [4]}
    assert rows.of_none == [1, 3]
    assert table_rows.examples(table, rows.of_none, 0) == "gone.png (line 4), empty (line 6)"
    assert table_rows.values_of(table, rows, 1, "label") == {"a/1.png": "x", "b/3.png": "z"}


def test_a_name_of_several_images_is_spare_where_each_has_its_path(table_of):
    names = ImageNames(["a/1.png", "b/1.png"])
    text = "file,label\n1.png,x\na/1.png,y\n"
    with pytest.raises(UserError, match=r"line 2: 1\.png fits several images: a/1\.png, b/1\.png"):
        table_rows.match_rows(table_of(text), 0, names)
    rows = table_rows.match_rows(table_of(text + "b/1.png,z\n"), 0, names)
    assert rows.of_image == {"a/1.png": [1], "b/1.png": [2]}
    assert rows.of_none == [0]


@pytest.mark.parametrize(
    ("text", "what", "message"),
    [
        ("1,a\n2,\n3,\n", "label", r"no label \(empty\) in column v of rows .* lines 3, 4"),
        ("1,a\n2,NaN\n3,null\n9,\n", "patient", r"no patient \(NaN, null\).* lines 3, 4:"),
        (
            "1,a\n2,x\n1.png,b\n",
            "label",
            r"a/1\.png has several labels: a \(line 2\), b \(line 4\)",
        ),
    ],
)
def test_cells_that_say_nothing_or_two_things(table_of, text, what, message):
    table = table_of("file,v\n" + text)
    with pytest.raises(UserError, match=message):
        table_rows.values_of(table, table_rows.match_rows(table, 0, NAMES), 1, what)


def test_nan_may_be_a_label_but_no_patient(table_of):
    table = table_of("file,v\n1,none\n")
    assert table_rows.values_of(table, table_rows.match_rows(table, 0, NAMES), 1, "label") == {
        "a/1.png": "none"
    }
