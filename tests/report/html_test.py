import dataclasses
import re
import shutil
from html.parser import HTMLParser

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.report import outline
from synthmed_jax.report.html import breakable, escape_markdown, render_section, write_report
from synthmed_jax.results.cells import FoldResult, InitialWeights
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.section import FILE, Row, Section, Table


class Page(HTMLParser):
    """Collects a page's text and everything that it would load or run."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loads, self.alts, self.words = [], [], [], []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", " ".join(self.words)).replace("( ", "(")

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.loads += [attributes[key] for key in ("src", "href", "srcset") if key in attributes]
        if tag == "img":
            self.alts.append(attributes["alt"])

    def handle_data(self, data):
        self.words.append(data)


def read(run):
    directory = run.workdir / "report"
    markdown = (directory / "report.md").read_text().replace("\N{NO-BREAK SPACE}", " ")
    return Page((directory / "index.html").read_text()), markdown


def test_numbers_are_those_of_the_files(reported):
    page, markdown = read(reported)
    for text in (page.text.replace("\N{NO-BREAK SPACE}", " "), markdown):
        assert "86.9 % ± 1.0 % (mean and standard deviation of 3 trainings" in text
        assert "95 % interval 83.8 % to 89.6 %" in text
        assert "86.9 % against 95.3 % right on real test images" in text
        assert "costs 15.5 percentage points" in text
        assert "n = 60 real test images" in text
        assert "is 0.92 times that of n = 12 real validation images" in text
        assert "train n = 1333-1335, val n = 667" in text
        assert "97.0 % on validation images; on real test images it scores 86.9 %" in text
        best = Evaluation.read(reported.path("evaluate/metrics.json")).best
        assert f"training 1; rule: {best.rule}" in text
        assert "162 of 180 right in 3 trainings" in text
        assert "Files left out as unreadable: n = 1." in text
        assert "1 h 2 min" in text
        assert "seed 17" in text


def test_the_table_has_a_row_per_cell_and_table_2s_columns(reported):
    _, markdown = read(reported)
    rows = [line for line in markdown.splitlines() if line.startswith(("| resnet18:", "| vgg16:"))]
    assert len(rows) == 3
    cells = [cell.strip() for cell in rows[0].split("|")[2:-1]]
    assert [cell.split()[0] for cell in cells] == [
        "0.100", "0.210", "0.700", "98.0", "97.0", "86.9", "81.0", "82.0", "83.0"
    ]  # fmt: skip


def test_sections_are_in_order_and_each_has_its_link(reported):
    text = (reported.workdir / "report" / "index.html").read_text()
    anchors = [anchor for anchor in outline.TITLES if anchor != outline.MORE]
    assert re.findall(r'<a href="#([a-z]+)">', text) == anchors
    assert re.findall(r'<(?:section|header) id="([a-z]+)">', text) == anchors
    _, markdown = read(reported)
    titles = [outline.TITLES[anchor] for anchor in anchors[1:]]
    found = [line[3:] for line in markdown.splitlines() if line.startswith("## ")]
    assert found[-len(titles) :] == titles


def test_the_answer_is_the_same_in_page_and_markdown(reported):
    page, markdown = read(reported)
    for text in (page.text.replace("\N{NO-BREAK SPACE}", " "), markdown):
        assert "Not measured" in text
        assert "The stage audit has not run on these images, so there is no verdict on a" in text
        assert "A true difference under 4.3 percentage points would often go unnoticed." in text
        assert "What would change it:" in text
        assert "Better synthetic images: more training steps" in text
        assert "How well it works for new patients" in text


def test_the_page_loads_and_runs_nothing(reported):
    page, _ = read(reported)
    assert len(page.alts) == 13
    assert all(page.alts)
    assert all(load.startswith(("data:image/png;base64,", "#")) for load in page.loads)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    text = (reported.workdir / "report" / "index.html").read_text()
    assert "http" not in text
    assert "@import" not in text


def test_markdown_pictures_are_files_beside_it(reported):
    _, markdown = read(reported)
    pictures = re.findall(r"\]\(([^)]+)\)", markdown)
    assert len(pictures) == 13
    for name in pictures:
        content = (reported.workdir / "report" / name).read_bytes()
        assert content.startswith(b"\x89PNG")


def test_a_class_name_is_text_not_markup(hostile):
    hostile.report()
    page, markdown = read(hostile)
    assert "<b>x</b>" in page.text
    assert "<img src=x onerror=alert(1)>" in page.text
    raw = (hostile.workdir / "report" / "index.html").read_text()
    assert "<b>x</b>" not in raw
    assert "onerror=alert(1)>" not in raw
    prose = markdown.partition("```json")[0]
    assert "<b>" not in prose
    assert r"pipe\|and\`tick" in prose


def test_what_steers_a_terminal_is_spelt_out(fabricated):
    section = Section("Found", ("left out: \x1b]0;owned\x07\x1b[31mred\r.png",))
    section.write(fabricated.path("split") / FILE)
    fabricated.report()
    for name in ("index.html", "report.md"):
        text = fabricated.path(f"report/{name}").read_bytes().decode()
        assert not [letter for letter in text if ord(letter) < 32 and letter not in "\n\t"]
        shown = r"left out: \x1b]0;owned\x07\x1b[31mred\x0d.png"
        assert (escape_markdown(shown) if name == "report.md" else shown) in text


def test_a_stage_that_has_not_run_is_named_and_nothing_invented(fabricated):
    (fabricated.workdir / "explain" / "lime.json").unlink()
    fabricated.report()
    page, markdown = read(fabricated)
    sentence = "The stage explain has not run on these images, so there is no LIME picture here."
    assert sentence in page.text
    assert sentence in markdown
    assert "perturbed copies" not in page.text


def test_after_the_split_alone_there_is_a_page_already(fabricated):
    for name in ("evaluate/metrics.json", "evaluate/fidelity.json", "explain/lime.json"):
        (fabricated.workdir / name).unlink()
    (fabricated.workdir / "diffusion" / "metrics.jsonl").unlink()
    (fabricated.workdir / "run.json").unlink()
    (fabricated.workdir / "classify").rename(fabricated.workdir / "elsewhere")
    write_report(fabricated.workdir, fabricated.cells, fabricated.fit, None)
    page, markdown = read(fabricated)
    for stage in ("evaluate", "explain", "diffusion", "classify", "generate", "audit"):
        assert f"The stage {stage} has not run" in page.text
        assert f"The stage {stage} has not run" in markdown
    assert page.alts == []


def test_the_split_is_needed(fabricated):
    (fabricated.workdir / "split" / "split.json").unlink()
    with pytest.raises(UserError, match=r"split\.json is missing: run --stages=split first"):
        fabricated.report()


def test_the_test_part_is_never_shown(reported):
    for name in ("index.html", "report.md", "report.json"):
        assert "secret" not in (reported.workdir / "report" / name).read_text()


def test_networks_of_an_earlier_run_are_not_shown(fabricated, reported):
    classify = fabricated.path("classify")
    shutil.copytree(classify / "resnet18", classify / "alexnet")
    for path in (classify / "alexnet").rglob("result.json"):
        initial = InitialWeights("alexnet.pth", "abc", "random")
        dataclasses.replace(FoldResult.read(path), initial=initial).write(path)
    fabricated.report()
    # The same run without them has the same page, with its pictures, the curves among them.
    for name in ("index.html", "report.md", "report.json"):
        with_others = fabricated.path(f"report/{name}").read_text()
        assert with_others == reported.path(f"report/{name}").read_text(), name
        assert "alexnet" not in with_others


def test_markdown_marks_are_escaped():
    assert escape_markdown("a|b *c* _d_ e_f [g] `h` <i>") == (
        r"a\|b \*c\* \_d\_ e_f \[g\] \`h\` &lt;i&gt;"
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("config.classifier.batch_size", "config.<wbr>classifier.<wbr>batch_<wbr>size"),
        ("real: forest on all pixels", "real: forest on all pixels"),
        ("a.<b>_c", "a.&lt;b&gt;_<wbr>c"),
        ("/runs/mine", "/<wbr>runs/<wbr>mine"),
        ("0.97, ends.", "0.97, ends."),
    ],
)
def test_a_line_may_end_inside_a_name_and_markup_is_escaped(name, shown):
    assert breakable(name) == shown


def test_a_cell_of_words_is_not_squeezed_on_a_phone():
    row = Row("KID", ("0.01", "none: 12 images per set, 20 are needed"))
    page = render_section(Section("Audit", (), (Table(("a", "b"), (row,), ""),), ()), ())
    assert "<td>0.01</td>" in page
    assert '<td class="long">none: 12' in page
