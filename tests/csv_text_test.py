import csv
import io
import random

import pytest

from synthmed_jax.csv_text import csv_lines, text_of


def text_of_rows(rows) -> str:
    return "".join(csv_lines(rows))


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_ordinary_rows_are_as_csv_writes_them():
    rows = [("path", "n"), ('a, "b".png', 1), ("two\nlines", -0.5), ("Müller's", 1e-05), ("", None)]
    usual = io.StringIO()
    csv.writer(usual, lineterminator="\n").writerows(rows)
    assert text_of_rows(rows) == usual.getvalue()


def test_a_lone_carriage_return_ends_no_row():
    assert text_of_rows([("cr\r.png", "a")]) == '"cr\r.png",a\n'
    assert read(text_of_rows([("cr\r", "a"), ("b", "\r")])) == [["cr\r", "a"], ["b", "'\r"]]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1.png", "'+1.png"),
        ("-dash", "'-dash"),
        ("@sum", "'@sum"),
        ("'=quoted", "''=quoted"),
        ("'s", "'s"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_no_text_is_a_formula_and_all_come_back(text, cell):
    assert read(text_of_rows([(text, "x")]))[0][0] == cell
    assert text_of(cell) == text


def test_numbers_are_left_alone():
    assert text_of_rows([(-1, -0.5)]) == "-1,-0.5\n"


def test_cells_of_earlier_versions_are_read_as_they_are():
    assert [text_of(cell) for cell in ("-dash", "=cmd()", "glioma")] == [
        "-dash",
        "=cmd()",
        "glioma",
    ]


def test_any_texts_come_back():
    draw = random.Random(0)
    rows = [
        ["".join(draw.choices("\r\n\t,;\"'=+-@ aé\u2028\x1b", k=draw.randrange(6))) for _ in "ab"]
        for _ in range(3000)
    ]
    back = [[text_of(cell) for cell in row] for row in read(text_of_rows(rows))]
    assert back == rows
