import pytest

from synthmed_jax.data import tables
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.errors import UserError

NAMES = ImageNames(["a/1.png", "a/2.png", "b/3.png"])


def table_of(tmp_path, text: str, encoding: str = "utf-8") -> tables.Table:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return tables.read_table(path, "config.data.table")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_write_tables_in_many_ways(tmp_path, encoding, separator, end):
    rows = (("file", "Große"), ("ä.png", "x y"), ("", ""), ("2.png ", ""))
    table = table_of(tmp_path, end.join(separator.join(row) for row in rows) + end, encoding)
    assert table.columns == ("file", "Große")
    assert table.rows == (("ä.png", "x y"), ("2.png", ""))
    assert table.lines == (2, 4)


def test_quotes_hold_separators_and_lines_are_still_counted(tmp_path):
    table = table_of(tmp_path, '\n"a;b",c\n"x\ny",1\n\nz\n')
    assert table.columns == ("a;b", "c")
    assert table.rows == (("x\ny", "1"), ("z", ""))
    assert table.lines == (3, 6)


def test_excel_may_name_the_separator_in_the_first_line(tmp_path):
    table = table_of(tmp_path, "sep=;\r\nfile;label\r\n1.png;a,b\r\n")
    assert table.rows == (("1.png", "a,b"),)
    assert table.lines == (3,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: it needs the columns"),
        (b"\r\n,,\r\n", "is empty"),
        (b"file,label\n1.png,a\nM\xfcller.png,b\n", r"table\.csv line 3 is not UTF-8: save .* UTF"),
        ("file,label\n1.png,a".encode("utf-16-le"), r"line 1 holds zero bytes"),
        (b"file,label\n1.png,a,b\n", "line 2 has 3 cells, the headings are 2"),
        (b'file,label\n"1.png' + b"x" * 200_000, "line 2 can't be read: field larger"),
    ],
)
def test_what_can_not_be_read_is_said_with_its_line(tmp_path, content, message):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        tables.read_table(tmp_path / "table.csv", "config.data.table")


@pytest.mark.parametrize("ending", [".xlsx", ".XLS", ".ods"])
def test_spreadsheets_are_refused_by_name(tmp_path, ending):
    with pytest.raises(UserError, match=rf"split\.group_by=.*is a spreadsheet of \{ending}.*CSV"):
        tables.read_table(tmp_path / f"patients{ending}", "split.group_by")


def test_rows_are_matched_and_what_is_left_has_its_lines(tmp_path):
    table = table_of(tmp_path, "file,label\n1.png,x\n\ngone.png,x\na/1.png,x\n,y\n3,z\n")
    rows = tables.match_rows(table, 0, NAMES)
    assert rows.of_image == {"a/1.png": [0, 2], "b/3.png": [4]}
    assert rows.of_none == [1, 3]
    assert tables.examples(table, rows.of_none, 0) == "gone.png (line 4), empty (line 6)"
    assert tables.values_of(table, rows, 1, "label") == {"a/1.png": "x", "b/3.png": "z"}


def test_a_name_of_several_images_is_spare_where_each_has_its_path(tmp_path):
    names = ImageNames(["a/1.png", "b/1.png"])
    text = "file,label\n1.png,x\na/1.png,y\n"
    with pytest.raises(UserError, match=r"line 2: 1\.png fits several images: a/1\.png, b/1\.png"):
        tables.match_rows(table_of(tmp_path, text), 0, names)
    rows = tables.match_rows(table_of(tmp_path, text + "b/1.png,z\n"), 0, names)
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
def test_cells_that_say_nothing_or_two_things(tmp_path, text, what, message):
    table = table_of(tmp_path, "file,v\n" + text)
    with pytest.raises(UserError, match=message):
        tables.values_of(table, tables.match_rows(table, 0, NAMES), 1, what)


def test_nan_may_be_a_label_but_no_patient(tmp_path):
    table = table_of(tmp_path, "file,v\n1,none\n")
    assert tables.values_of(table, tables.match_rows(table, 0, NAMES), 1, "label") == {
        "a/1.png": "none"
    }
