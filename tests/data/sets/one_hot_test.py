import pytest

from synthmed_jax.data.sets import one_hot
from synthmed_jax.errors import UserError


def test_the_label_is_the_heading_above_the_1(table_of):
    table = table_of("image,MEL,NV,BCC\nI1,0.0,1.0,0.0\n\nI2,1,0,0\nI3,0,0,1.\n")
    assert one_hot.find(table, [0]) == [1, 2, 3]
    labelled = one_hot.add_labels(table, [1, 2, 3])
    assert labelled.columns == ("image", "MEL", "NV", "BCC", "MEL, NV, BCC")
    assert labelled.cells(4) == ["NV", "MEL", "BCC"]
    assert (labelled.cells(0), labelled.lines) == (["I1", "I2", "I3"], table.lines)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b,c\n1,0,2\n0,1,1\n", [0, 1]),  # 2 is no truth value
        ("a,b,c\n1,0,\n0,1,1\n", [0, 1]),
        ("a,b,c\n1,nan,x\n0,1,y\n", []),  # one column is none for each class
    ],
)
def test_columns_of_other_values_are_none_of_them(table_of, text, found):
    assert one_hot.find(table_of(text), []) == found


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("1,0", "1,1"), r"table\.csv: of the columns a, b .* 1 row does not: line 3 \(a, b\)\. M"),
        (("0,0", "1,0", "1,1"), r"2 rows do not: line 2 \(none\), line 4 \(a, b\)\."),
        (("0,0",) * 5, r"5 rows do not: line 2 \(none\), .*line 4 \(none\) and 2 more\. Mend"),
        (("1,0", "0,1"), None),
        (("1,0", "0,x"), r"line 3: x in column b, which is one of several .*: 0 or 1 is expected"),
        (("1,0", "0,"), r"line 3: empty in column b"),
    ],
)
def test_each_row_has_exactly_one_class(table_of, rows, message):
    table = table_of("\n".join(("a,b", *rows)) + "\n")
    if message is None:
        assert one_hot.add_labels(table, [0, 1]).cells(2) == ["a", "b"]
        return
    with pytest.raises(UserError, match=message):
        one_hot.add_labels(table, [0, 1])
