"""The table of docs/data.md, made from the cases: python -m tests.data.cases.table writes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.data.cases.beside import BESIDE
from tests.data.cases.case import Case
from tests.data.cases.dicom import DICOM
from tests.data.cases.files import FILES
from tests.data.cases.folders import FOLDERS
from tests.data.cases.grey import GREY
from tests.data.cases.labels import LABELS, PATIENTS
from tests.data.cases.misleading import MISLEADING
from tests.data.cases.stacks import STACKS

COMMAND = "python -m tests.data.cases.table"
DOCUMENT = Path(__file__).parents[3] / "docs" / "data.md"
BEGIN = f"<!-- From here on written by {COMMAND} -->"
END = "<!-- Up to here -->"
SECTIONS = {
    "Folders": FOLDERS,
    "What lies beside the images": BESIDE,
    "Labels from a table": LABELS,
    "Files": FILES,
    "Sizes, colours, copies": MISLEADING,
    "Grey scale": GREY,
    "Stacks and volumes": STACKS,
    "DICOM": DICOM,
    "Patients": PATIENTS,
}
CASES = tuple(case for cases in SECTIONS.values() for case in cases)


def filled(document: str) -> str:
    """Returns the document with the table between BEGIN and END written anew."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{make_table()}\n{END}{after}"


def make_table() -> str:
    """Returns one Markdown table per section."""
    return "\n".join(line for title, cases in SECTIONS.items() for line in _section(title, cases))


def _section(title: str, cases: tuple[Case, ...]) -> Iterator[str]:
    yield f"\n### {title}\n"
    yield "| In the folder | Outcome | What becomes of it |"
    yield "| --- | --- | --- |"
    for case in cases:
        cells = (case.what, _outcome(case), "; ".join(_details(case)))
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _outcome(case: Case) -> str:
    given = f" with {_flags(case.flags)}" if case.flags else ""
    if not case.refused:
        return f"accepted{given}"
    also = " also" if case.flags else ""
    then = f"; accepted{also} with {_flags(case.then)}" if case.then else ""
    return f"refused{given}{then}"


def _details(case: Case) -> Iterator[str]:
    if case.how:
        yield case.how
    if case.found is None:
        return
    for reason, count in case.found.left_out.items():
        yield f"left out: {count}, {reason}"
    if case.found.groups:
        yield f"counted: {case.found.groups}"
    if case.found.patients:
        yield f"counted: {case.found.patients}"
    if case.found.warning:
        yield "a warning says so"
    for grey in case.found.greys:
        if grey.what:
            yield f"{grey.what} becomes {grey.level}"


def _flags(flags: Mapping[str, str | int | bool]) -> str:
    return " ".join(f"`--config.{name}={shlex.quote(str(value))}`" for name, value in flags.items())


if __name__ == "__main__":
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
