import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.report.html import write_report
from synthmed_jax.results.section import FILE, Row, Section, SectionPicture, Table

SECTION = Section(
    "Brightness <b>",
    ("Bright & dark.",),
    (Table(("real", "synthetic"), (Row("glioma", ("1.5", "2.5 ± 0.5")),), "Grey levels."),),
    (SectionPicture("levels.png", "A curve.", "Levels | by class."),),
)


def write(made, section=SECTION):
    section.write(made.workdir / "brightness" / FILE)
    (made.workdir / "brightness" / "levels.png").write_bytes(b"a picture")


def test_a_section_of_a_stage_stands_in_page_and_markdown(fabricated):
    write(fabricated)
    write_report(fabricated.workdir, fabricated.cells, fabricated.fit, fabricated.synthetic)
    report = fabricated.workdir / "report"
    page = (report / "index.html").read_text()
    assert "<h3>Brightness &lt;b&gt;</h3>" in page
    assert "Bright &amp; dark." in page
    assert "<td>2.5<small>± 0.5</small></td>" in page
    assert page.index("<h2>Further sections</h2>") < page.index("Brightness")
    text = (report / "report.md").read_text()
    assert "| glioma | 1.5 | 2.5 ± 0.5 |" in text
    assert "![A curve.](brightness_levels.png)" in text
    assert r"Levels \| by class." in text
    assert (report / "brightness_levels.png").read_bytes() == b"a picture"


def test_without_one_there_is_no_section(fabricated):
    write_report(fabricated.workdir, fabricated.cells, fabricated.fit, fabricated.synthetic)
    page = (fabricated.workdir / "report" / "index.html").read_text()
    assert "Brightness" not in page


def test_a_picture_that_is_missing_is_named(fabricated):
    write(fabricated)
    (fabricated.workdir / "brightness" / "levels.png").unlink()
    with pytest.raises(UserError, match=r"levels\.png is named by section\.json"):
        write_report(fabricated.workdir, fabricated.cells, fabricated.fit, fabricated.synthetic)


def test_a_stage_may_have_more_than_one(fabricated):
    write(fabricated)
    Section("Darkness", ("Dark.",)).write(fabricated.workdir / "brightness" / "section_dark.json")
    write_report(fabricated.workdir, fabricated.cells, fabricated.fit, fabricated.synthetic)
    page = (fabricated.workdir / "report" / "index.html").read_text()
    assert page.index("<h3>Brightness") < page.index("<h3>Darkness</h3>")
