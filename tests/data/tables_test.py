import pytest

from synthmed_jax.data import tables
from synthmed_jax.errors import UserError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_write_tables_in_many_ways(table_of, encoding, separator, end):
    rows = (("file", "Große"), ("ä.png", "x y"), ("", ""), ("2.png ", ""))
    table = table_of(end.join(separator.join(row) for row in rows) + end, encoding)
    assert table.columns == ("file", "Große")
    assert table.rows == (("ä.png", "x y"), ("2.png", ""))
    assert table.lines == (2, 4)


def test_quotes_hold_separators_and_lines_are_still_counted(table_of):
    table = table_of('\n"a;b",c\n"x\ny",1\n\nz\n')
    assert table.columns == ("a;b", "c")
    assert table.rows == (("x\ny", "1"), ("z", ""))
    assert table.lines == (3, 6)


@pytest.mark.parametrize(
    ("text", "columns", "row"),
    [
        ("file|label\n1.png|a, b\n", ("file", "label"), ("1.png", "a, b")),
        # Between findings of one image it is no separator.
        ("file,label\n1.png,Mass|Hernia\n", ("file", "label"), ("1.png", "Mass|Hernia")),
        ("file,a|b|c\n1.png,x\n", ("file", "a|b|c"), ("1.png", "x")),
    ],
)
def test_a_bar_separates_where_nothing_else_does(table_of, text, columns, row):
    table = table_of(text)
    assert (table.columns, table.rows) == (columns, (row,))


def test_excel_may_name_the_separator_in_the_first_line(table_of):
    table = table_of("sep=;\r\nfile;label\r\n1.png;a,b\r\n")
    assert table.rows == (("1.png", "a,b"),)
    assert table.lines == (3,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: it needs the columns"),
        (b"\r\n,,\r\n", "is empty"),
        (b"file,label\r\n,\r\n", r"table\.csv has headings \(file, label\) and no rows: it needs"),
        (b"file,label\n1.png,a\nM\xfcller.png,b\n", r"table\.csv line 3 is not UTF-8: save .* UTF"),
        ("file,label\n1.png,a".encode("utf-16-le"), r"line 1 holds zero bytes"),
        (b"file,label\n1.png,a,b\n", "line 2 has 3 cells, the headings are 2"),
        (b'file,label\n"1.png' + b"x" * 200_000, r"line 2 can't be read \(field larger"),
        (b'file,label\n1.png,a\n"2.png,b\n3.png,a\n', r"line 3 can't be read .* quotes come in p"),
        (b'file,label\n1.png,"5" scan"\n', r'line 2 can.t be read .* doubled, as "5"" scan"'),
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


def test_many_headings_above_many_short_rows_take_no_memory(table_of):
    text = "," * 20_000 + "file\n" + "1.png\n" * 20_000
    with pytest.raises(UserError, match="and there are 20001 headings: write a cell below every"):
        table_of(text)


@pytest.mark.parametrize("separator", ['"', " ", "\r"])
def test_what_can_separate_nothing_is_no_separator(table_of, separator):
    with pytest.raises(UserError, match="has 2 cells, the headings are 1"):
        table_of(f"sep={separator}\nfile,label\n1.png,a\n")
