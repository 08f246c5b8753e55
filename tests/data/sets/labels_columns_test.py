import pytest

from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.data.sets import labels_columns
from synthmed_jax.data.sets.labels_columns import Columns
from synthmed_jax.errors import UserError

NAMES = ImageNames(["1.png", "2.png"])


@pytest.mark.parametrize(
    ("headings", "told", "columns"),
    [
        ("file,label,patient", "", Columns(0, 1, 2)),
        ("image,diagnosis,age", "", Columns(0, 1, None)),
        ("image,diagnosis,grade", "label=grade", Columns(0, 2, None)),
        ("image,a,b", "label=a, patient=b", Columns(0, 1, 2)),
        # A column of 0 and 1 for each class.
        ("image,a,b", "label=a,label=b", Columns(0, 3, None, (1, 2))),
        ("image,case,age", "label=age,label=case", Columns(0, 3, None, (2, 1))),
        # What tells the class tells no patients.
        ("image,case,age", "label=case", Columns(0, 1, None)),
    ],
)
def test_columns_are_found_or_told(table_of, headings, told, columns):
    table = table_of(f"{headings}\n1,x,7\n2,y,8\n")
    assert labels_columns.choose(table, NAMES, told) == columns


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("label=a,label=a", "names a twice"),
        ("file=a,file=b", "names the file twice"),
        ("label=a,patient=a", "names a twice"),
        (
            "class=a",
            r"'class=a' must be file=\.\.\., label=\.\.\. or patient=\.\.\., with .*image, a",
        ),
        ("label=c", "'c' is not one of image, a, b"),
        (
            "file=image",
            r"no column is called label .*columns='?file=image,label=\.\.\.'? \(label: o",
        ),
    ],
)
def test_what_is_told_must_fit_the_table(table_of, told, message):
    with pytest.raises(UserError, match=message):
        labels_columns.choose(table_of("image,a,b\n1,x,p\n2,y,q\n"), NAMES, told)


@pytest.mark.parametrize(
    ("text", "told", "columns"),
    [
        ("image,MEL,NV,age\n1,1.0,0.0,50\n2,0.0,1.0,60\n", "", Columns(0, 4, None, (1, 2))),
        ("image,lesion_id,MEL,NV\n1,0,1,0\n2,1,0,1\n", "", Columns(0, 4, 1, (2, 3))),
        ("image,who,MEL,NV\n1,0,1,0\n2,1,0,1\n", "patient=who", Columns(0, 4, 1, (2, 3))),
        # A column of labels is before columns of 0 and 1, and one of these alone is none.
        ("image,dx,a,b\n1,nv,1,0\n2,mel,0,1\n", "", Columns(0, 1, None)),
    ],
)
def test_a_column_for_each_class_is_found(table_of, text, told, columns):
    assert labels_columns.choose(table_of(text), NAMES, told) == columns


def test_one_column_of_truth_values_is_not_taken_for_a_label(table_of):
    with pytest.raises(UserError, match="no column is called label or the like"):
        labels_columns.choose(table_of("image,melanoma,age\n1,1,50\n2,0,60\n"), NAMES, "")
