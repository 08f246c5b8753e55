"""Labels from a table over one folder of images, and patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.data.cases.case import Case, Found
from tests.data.cases.drawing import CLASSES, image, picture

Rows = Sequence[Sequence[str]]
# Two images per patient.
ROWS = [(f"x{i:02d}.PNG", ("benign", "malignant")[i % 2], f"P{i // 4}") for i in range(16)]
ONES = {"benign": ("1.0", "0.0"), "malignant": ("0.0", "1.0")}
EIGHT = {"benign": 8, "malignant": 8}


def _ham10000(root: Path) -> None:
    """The layout of HAM10000: two folders by download part, labels in a table."""
    lines = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    for i in range(16):
        number = 24306 + i
        image(
            root / f"HAM10000_images_part_{1 + i // 8}" / f"ISIC_00{number}.jpg", picture(i, i % 2)
        )
        kind = ("nv", "mel")[i % 2]
        lines.append(f"HAM_000{i // 4}{i % 2},ISIC_00{number},{kind},histo,50,male,back")
    (root / "HAM10000_metadata.csv").write_text("\n".join(lines) + "\n")


def _table(
    name: str = "labels.csv",
    headings: Sequence[str] = ("file", "label", "patient"),
    rows: Rows = ROWS,
    separator: str = ",",
    encoding: str = "utf-8",
) -> Callable[[Path], None]:
    def draw(root: Path) -> None:
        for i, (file, _, _) in enumerate(ROWS):
            image(root / f"batch{i % 3}" / file, picture(i, i % 2 == 1))
        lines = [separator.join(row) for row in (headings, *rows)]
        (root / name).write_bytes("\r\n".join([*lines, ""]).encode(encoding))

    return draw


def _changed(change: Callable[[int, tuple[str, str, str]], tuple[str, str, str]]) -> Rows:
    return [change(number, row) for number, row in enumerate(ROWS)]


TABLE = {"data.table": "labels.csv"}

LABELS = (
    Case(
        "ham10000",
        "HAM10000 as unpacked: `HAM10000_images_part_1`, `_part_2`, and a table",
        _ham10000,
        Found({"mel": 8, "nv": 8}, groups="8 groups, 2 images each"),
        refused=r"HAM10000_images_part_1, HAM10000_images_part_2.*"
        r"--config.data.table=\S*HAM10000_metadata.csv",
        then={"data.table": "HAM10000_metadata.csv"},
        how="`dx` is found to be the label; images of one `lesion_id` stay on one side",
    ),
    Case(
        "table",
        "A table with the columns `file,label,patient`",
        _table(),
        Found(EIGHT, groups="4 groups, 4 images each"),
        flags=TABLE,
    ),
    Case(
        "spreadsheet_csv",
        "A table with semicolons or tabs, in UTF-8 with a mark (as spreadsheets write it)",
        _table(separator=";", encoding="utf-8-sig"),
        Found(EIGHT),
        flags=TABLE,
    ),
    Case(
        "bars",
        "A table with `|` between its columns",
        _table(separator="|"),
        Found(EIGHT, groups="4 groups, 4 images each"),
        flags=TABLE,
    ),
    Case(
        "one_hot",
        "ISIC's tables: a column for each class, `image,MEL,NV`, with 0.0 and 1.0",
        _table(
            headings=("image", "MEL", "NV"),
            rows=[(file, *ONES[label]) for file, label, _ in ROWS],
        ),
        Found({"MEL": 8, "NV": 8}),
        flags=TABLE,
        how="the heading above the 1 is the class",
    ),
    Case(
        "one_hot_of_several",
        "the same, and a row with two or none",
        _table(
            headings=("image", "MEL", "NV"),
            rows=[(file, *ONES[label]) for file, label, _ in ROWS[1:]] + [(ROWS[0][0], "1", "1")],
        ),
        refused=r"labels.csv: of the columns MEL, NV .* 1 row does not: line 17 \(MEL, NV\)",
        flags=TABLE,
        how="the message names the lines; name the columns of the classes, or delete these rows",
    ),
    Case(
        "several_findings",
        "NIH's labels: several findings of an image in one cell, `Mass|Hernia`",
        _table(
            rows=_changed(lambda i, row: (row[0], "benign|malignant" if i > 13 else row[1], row[2]))
        ),
        Found({"benign": 7, "malignant": 7}, {"not among data.classes": 2}),
        refused="1 label of several findings, as benign.malignant.* leaves out 2 images",
        flags=TABLE,
        then={"data.classes": "benign,malignant"},
        how="the images of one finding are taken",
    ),
    Case(
        "comma_in_class",
        "A class whose name holds a comma, and only some of the classes are wanted",
        _table(
            separator=";",
            rows=_changed(lambda i, row: (row[0], ("a", "b, c", "d", "d")[i % 4], row[2])),
        ),
        Found({"a": 4, "b, c": 4}, {"not among data.classes": 8}),
        flags=TABLE | {"data.classes": 'a,"b, c"'},
        how="such names are in quotes",
    ),
    Case(
        "no_rows",
        "A table of headings alone",
        _table(rows=[]),
        refused=r"labels.csv has headings \(file, label, patient\) and no rows",
        flags=TABLE,
        how="give it a row per image",
    ),
    Case(
        "utf16",
        "A table in UTF-16",
        _table(separator="\t", encoding="utf-16"),
        Found(EIGHT),
        flags=TABLE,
    ),
    Case(
        "other_names",
        "Names without ending, in other case, or with folders of another machine",
        _table(
            rows=_changed(
                lambda i, row: (
                    (row[0].removesuffix(".PNG"), row[0].lower(), f"C:\\data\\{row[0]}")[i % 3],
                    *row[1:],
                )
            )
        ),
        Found(EIGHT),
        flags=TABLE,
    ),
    Case(
        "other_headings",
        "Columns by other names",
        _table(headings=("scan", "outcome", "who")),
        Found(EIGHT),
        refused="outcome",
        flags=TABLE,
        then={"data.columns": "file=scan,label=outcome,patient=who"},
    ),
    Case(
        "no_row",
        "A table that lacks some of the images",
        _table(rows=ROWS[2:]),
        Found({"benign": 7, "malignant": 7}, {"no row in labels.csv": 2}),
        flags=TABLE,
    ),
    Case(
        "spare_rows",
        "A table with rows of images that are not there, and empty last rows",
        _table(rows=[*ROWS, ("gone.PNG", "benign", "P99"), ("", "", "")]),
        Found(EIGHT),
        flags=TABLE,
    ),
    Case(
        "labels_in_two_cases",
        "A table in which one label is written in two ways, `benign` and `Benign`",
        _table(rows=_changed(lambda i, row: (row[0], "Benign" if i == 2 else row[1], row[2]))),
        refused="'Benign' and 'benign' are the same but for",
        flags=TABLE,
        how="write them alike",
    ),
    Case(
        "open_quote",
        "A table with a quote that is never closed",
        _table(rows=_changed(lambda i, row: (('"' if i == 5 else "") + row[0], *row[1:]))),
        refused=r"labels\.csv line 7 can't be read",
        flags=TABLE,
        how="the message names file and line",
    ),
    Case(
        "nan_patient",
        "A table whose patient is empty or `nan` in some row",
        _table(rows=_changed(lambda i, row: (*row[:2], "nan" if i == 3 else row[2]))),
        refused=r"labels.csv: no patient .nan. in column patient.* line 5",
        flags=TABLE,
        how="the message names file and line",
    ),
    Case(
        "two_labels",
        "A table that gives one image two labels",
        _table(rows=[*ROWS, (ROWS[0][0], "malignant", ROWS[0][2])]),
        refused=r"labels.csv.*x00.PNG",
        flags=TABLE,
        how="the message names file and lines",
    ),
    Case(
        "xlsx",
        "An `.xlsx`",
        _table(name="labels.xlsx"),
        refused="spreadsheet of .xlsx.*save it as CSV",
        flags={"data.table": "labels.xlsx"},
        how="save it as CSV",
    ),
)


def _patients(root: Path) -> None:
    """Six patients per class, two slices of each: p03_s1.png."""
    for label, name in enumerate(CLASSES):
        for patient in range(6):
            for number in range(2):
                drawn = picture(100 * label + 10 * patient + number, label > 0)
                image(root / name / f"p{6 * label + patient:02d}_s{number}.png", drawn)


TWELVE = {"benign": 12, "malignant": 12}
PATIENTS = (
    Case(
        "pattern",
        "Several images of each patient, `p03_s1.png`",
        _patients,
        Found(TWELVE, groups="12 groups, 2 images each"),
        flags={"split.group_by": r"^(p\d+)"},
        how="all images of a patient stay on one side",
    ),
    Case(
        "pattern_of_one",
        "the same, and a pattern that is different for every image",
        _patients,
        Found(TWELVE, warning="groups nothing: 24 groups of one image; the split is by image"),
        flags={"split.group_by": r"(p\d+_s\d+)"},
    ),
    Case(
        "pattern_of_all",
        "the same, and a pattern that is the same for all images",
        _patients,
        refused="no fit image in class",
        flags={"split.group_by": "^(p)"},
        how="the pattern must tell patients apart",
    ),
    Case(
        "pattern_of_none",
        "the same, and a pattern that some names do not have",
        _patients,
        refused="p00_s0.png",
        flags={"split.group_by": r"(case\d+)"},
        how="the pattern must fit all names; `data.exclude` leaves out the others",
    ),
    Case(
        "tag_of_no_dicom",
        "the same, and a field of DICOM files, which PNGs do not have",
        _patients,
        refused=r"benign/\S+ has no such field \(not a DICOM file\)",
        flags={"split.group_by": "dicom:PatientID"},
        how="group them by their names or by a table",
    ),
)
