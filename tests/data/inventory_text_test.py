import dataclasses
import unicodedata

import pytest

from synthmed_jax.data import inventory_text
from synthmed_jax.results.inventory import ClassInventory, Inventory, LeftOutFiles
from synthmed_jax.results.leakage import ClassCopies, Leakage

A = ClassInventory(
    name="glioma",
    images=300,
    files=300,
    formats={"JPEG 8-bit": 300},
    sizes={"512x512": 250, "256x256": 40, "200x210": 9, "198x200": 1},
    brightness=41.6,
    nearly_black=2,
    nearly_white=0,
    coloured=7,
    copies=19,
    groups=None,
    group_sizes=(),
    border=0.0,
)
B = dataclasses.replace(
    A, name="良性肿瘤", files=30, formats={"TIFF 8-bit": 200, "PNG 8-bit": 100}, sizes={"9x9": 300}
)
LEFT_OUT = (
    LeftOutFiles("", "no image by its ending (.txt)", 1, ("notes.txt",)),
    LeftOutFiles("glioma", "unreadable", 7, ("glioma/1.jpg (cut off)", "glioma/2.jpg (cut off)")),
    LeftOutFiles("glioma", "a mask beside its image", 2, ("glioma/1m.png", "glioma/2m.png")),
)
PLAIN = Inventory((A, B), (), (), "", "", ())
FULL = Inventory(
    (
        dataclasses.replace(A, groups=20, group_sizes=(4, 9, 31)),
        dataclasses.replace(B, groups=30, group_sizes=(10, 10, 10)),
    ),
    LEFT_OUT,
    ("16-bit: 0 to 4095 become 0 to 255 (the values go from 3 to 4000)",),
    "50 groups, 4 to 31 images each (median 10), by (p.)",
    "30 files hold 600 images, of which 300 are used, as config.data.slices=every:2 says",
    ("formats differ between classes",),
)
LEAKAGE = Leakage({"glioma": ClassCopies(19, 3, 12), "良性肿瘤": ClassCopies(0, 0, 1)}, 60, 480)


def columns_of(line: str) -> list[int]:
    """Where the texts of a table's line begin, in a terminal's columns; two spaces divide them."""
    starts, cell, blanks = [], 0, 2
    for letter in line:
        if letter == " ":
            blanks += 1
        else:
            if blanks >= 2:
                starts.append(cell)
            blanks = 0
        cell += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
    return starts


@pytest.mark.parametrize("inventory", [PLAIN, FULL])
@pytest.mark.parametrize(
    "name", ["良性肿瘤", "ab", "e\u0301to\u0301", "名称が長いクラス", "\uff21\uff22"]
)
def test_columns_are_below_each_other_whatever_the_letters(inventory, name):
    first, second = inventory.classes
    inventory = dataclasses.replace(
        inventory, classes=(first, dataclasses.replace(second, name=name))
    )
    lines = inventory_text.to_text(inventory).splitlines()[:3]
    composed = [unicodedata.normalize("NFC", line) for line in lines]
    starts = columns_of(composed[0])
    assert len(starts) == (9 if inventory.classes[0].groups is None else 10)
    assert columns_of(composed[1]) == columns_of(composed[2]) == starts
    assert not any(line.endswith(" ") for line in lines)


def test_the_table_says_what_was_counted():
    heads, first, second = inventory_text.to_text(PLAIN).splitlines()
    assert heads.split()[:3] == ["class", "images", "files"]
    for text in ("glioma", "JPEG 8-bit", "250 512x512, 40 256x256, 2 more", "  42  ", "2/0", "19"):
        assert text in first
    for text in ("300 in 30 files", "200 TIFF 8-bit, 100 PNG 8-bit", "9x9"):
        assert text in second
    assert "groups" not in heads


def test_what_is_to_be_said_follows_the_table():
    lines = inventory_text.to_text(FULL).splitlines()
    assert lines[3:] == [
        "left out: 1: no image by its ending (.txt): notes.txt",
        "left out: 7 of class glioma: unreadable: glioma/1.jpg (cut off), glioma/2.jpg (cut off)"
        ", ...",
        "left out: 2 of class glioma: a mask beside its image: glioma/1m.png, glioma/2m.png",
        "grey scale of 16-bit: 0 to 4095 become 0 to 255 (the values go from 3 to 4000)",
        "stacks: 30 files hold 600 images, of which 300 are used, as config.data.slices=every:2 "
        "says",
        "groups (each stays on one side of the split): 50 groups, 4 to 31 images each (median 10), "
        "by (p.)",
        "warning: formats differ between classes",
    ]
    assert lines[0].endswith("groups")
    assert lines[1].endswith("20 of 4 to 31 (median 9)")
    assert lines[2].endswith("30 of 10")
    assert "  9  " in lines[1].partition("19")[2]  # 7 + 2 are left out of glioma


def test_what_is_left_out_of_several_classes_for_one_reason_is_said_once():
    reason = "no image by its ending (.csv)"
    entries = (
        LeftOutFiles("", reason, 1, ("all.csv",)),
        LeftOutFiles("a", reason, 7, tuple(f"a/{i}.csv" for i in range(4))),
        LeftOutFiles("a", "holds no image", 1, ("a/1.dcm (a report)",)),
        LeftOutFiles("b", reason, 1, ("b/1.csv",)),
    )
    lines = inventory_text.to_text(dataclasses.replace(PLAIN, left_out=entries)).splitlines()
    assert lines[3:] == [
        f"left out: 9 (1 elsewhere, 7 of class a, 1 of class b): {reason}: all.csv, a/0.csv, "
        "a/1.csv, a/2.csv, a/3.csv, ...",
        "left out: 1 of class a: holds no image: a/1.dcm (a report)",
    ]


def test_patients_that_are_not_heeded_have_a_column_and_a_sentence():
    told = dataclasses.replace(
        PLAIN,
        classes=(
            dataclasses.replace(A, patients=20, patient_sizes=(4, 9, 31)),
            dataclasses.replace(B, patients=0),
        ),
        patients="20 patients, 4 to 31 images each (median 9), by the field PatientID",
    )
    heads, first, second, sentence = inventory_text.to_text(told).splitlines()
    assert heads.endswith("left out  patients")
    assert first.endswith("20 of 4 to 31 (median 9)")
    assert second.endswith("  0")
    assert sentence == f"patients: {told.patients}"


def test_copies_in_a_sentence():
    none = Leakage({"a": ClassCopies(0, 0, 0)}, 5, 50)
    assert inventory_text.leakage_sentence(none) == "exact copies: no file equals another one"
    assert inventory_text.leakage_sentence(LEAKAGE) == (
        "exact copies: 19 files equal another file of their class; 13 of 480 test images equal a "
        "fit or val image, 3 of 60 val images equal a fit image"
    )
    torn = dataclasses.replace(none, under_two_labels=3)
    assert inventory_text.leakage_sentence(torn) == (
        "exact copies: 0 files equal another file of their class; 3 contents under two labels; "
        "0 of 50 test images equal a fit or val image, 0 of 5 val images equal a fit image"
    )
    # Equal files of two classes are no copies in one, and yet known.
    across = Leakage({"a": ClassCopies(0, 0, 1), "b": ClassCopies(0, 0, 0)}, 5, 50)
    assert "1 of 50 test images equal" in inventory_text.leakage_sentence(across)


def test_the_reports_section_has_both_tables_and_plain_sentences():
    section = inventory_text.to_section(FULL, LEAKAGE)
    found, copies = section.tables
    assert [row.name for row in found.rows] == ["glioma", "良性肿瘤"]
    assert all(len(row.values) == len(found.columns) for row in found.rows)
    assert found.columns[-1] == "groups"
    assert [(row.name, row.values) for row in copies.rows] == [
        ("glioma", ("19", "3", "12")),
        ("良性肿瘤", ("0", "0", "1")),
    ]
    assert len(copies.columns) == 3
    assert section.paragraphs[0].startswith("Exact copies: 19 files")
    assert len(section.paragraphs) == 8
    for text in section.paragraphs:
        assert text[0].isupper()
        assert text.endswith(".")
    assert section.paragraphs[2].endswith("glioma/2.jpg (cut off), ...")
