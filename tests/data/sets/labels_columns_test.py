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
        ("label=a,label=b", "names the label twice"),
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
