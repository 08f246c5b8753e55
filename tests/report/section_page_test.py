import re

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.report.section_page import write_section_page
from synthmed_jax.results.section import FILE, Row, Section, SectionPicture, Table
from tests.report.browser_test import CHROMIUM, chromium

SECTION = Section(
    "Seeds <b>",
    ("One & two.",),
    (Table(("a", "b"), (Row("glioma", ("1.5", "2.5")),), "Levels."), Table((), (), "empty")),
    (SectionPicture("plot.png", "A plot.", "What it shows."),),
)


def test_a_section_is_a_page_that_needs_no_other_file(tmp_path):
    SECTION.write(tmp_path / FILE)
    (tmp_path / "plot.png").write_bytes(b"a picture")
    path = write_section_page(tmp_path)
    page = path.read_text()
    assert path == tmp_path / "index.html"
    assert "<h1>Seeds &lt;b&gt;</h1>" in page
    assert "<p>One &amp; two.</p>" in page
    assert '<th scope="row">glioma</th><td>1.5</td><td>2.5</td>' in page
    assert 'src="data:image/png;base64,YSBwaWN0dXJl" alt="A plot."' in page
    assert "empty" not in page
    assert "<script" not in page
    assert "http" not in page


def test_a_picture_that_is_missing_is_named(tmp_path):
    SECTION.write(tmp_path / FILE)
    with pytest.raises(UserError, match=r"plot\.png is named by section\.json"):
        write_section_page(tmp_path)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium in PATH")
def test_the_page_is_as_wide_as_a_screen(tmp_path):
    SECTION.write(tmp_path / FILE)
    (tmp_path / "plot.png").write_bytes(b"a picture")
    page = write_section_page(tmp_path)
    measure = "document.body.dataset.width = document.querySelector('main').offsetWidth"
    page.write_text(page.read_text().replace("</body>", f"<script>{measure}</script></body>"))
    dumped = chromium(tmp_path, "--dump-dom", "--window-size=1440,1000", page.as_uri()).stdout
    assert int(re.search(r'data-width="(\d+)"', dumped)[1]) > 1200
