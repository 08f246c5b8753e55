"""The page as a browser shows it; skipped where there is no Chromium (`apt install chromium`)."""

import dataclasses
import html
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from synthmed_jax.report.html import render_section
from synthmed_jax.results.run_info import RunInfo
from synthmed_jax.results.section import Row, Section, Table

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium in PATH")
STYLE = pathlib.Path(__file__).parents[2] / "synthmed_jax" / "report" / "style.css"
# A window of its own may not be as narrow as a telephone, a frame may. What is wider than its box
# is allowed where it can be scrolled (.wide).
# A policy that forbids every load tells of each that is tried.
PROBE = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
style-src 'unsafe-inline'; script-src 'unsafe-inline'"><script>
const messages = [], requests = [];
addEventListener("securitypolicyviolation", event => requests.push(event.blockedURI));
for (const kind of ["error", "warn"]) console[kind] = text => messages.push(String(text));
addEventListener("error", event => messages.push(event.message || event.type), true);
addEventListener("load", () => {
  const all = [...document.querySelectorAll("body *")];
  const outside = element => !element.closest(".wide")
    && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
  const cut = element => !element.matches(".wide") && !element.closest(".wide")
    && element.scrollWidth > element.clientWidth + 1
    && getComputedStyle(element).display !== "inline";
  parent.postMessage({
    messages,
    undecoded: [...document.images].filter(each => !each.naturalWidth).map(each => each.alt),
    pictures: document.images.length,
    dead: [...document.querySelectorAll("a[href]")].map(each => each.getAttribute("href"))
      .filter(href => !href.startsWith("#") || !document.getElementById(href.slice(1))),
    links: document.links.length,
    requests,
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    overflowing: all.filter(each => outside(each) || cut(each))
      .map(each => each.tagName + " " + each.textContent.trim().slice(0, 40)),
    main: document.querySelector("main").clientWidth,
    background: getComputedStyle(document.body).backgroundColor,
    color: getComputedStyle(document.body).color,
  }, "*");
});
</script>"""
FRAME = """<!DOCTYPE html><iframe src="probed.html" style="width:{width}px;height:900px"></iframe>
<script>onmessage = event => document.body.dataset.found = JSON.stringify(event.data)</script>"""


def chromium(folder, *options):
    """Runs it headless, with a profile in `folder`, and returns what it did."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", *options,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)


def look(page, folder, width, *options):
    """Returns what PROBE finds in a page that is `width` pixels wide."""
    folder.mkdir(parents=True, exist_ok=True)
    # First in <head>, to be there before anything can fail.
    (folder / "probed.html").write_text(page.replace("<head>", f"<head>{PROBE}", 1))
    (folder / "frame.html").write_text(FRAME.format(width=width))
    dumped = chromium(
        folder, "--virtual-time-budget=5000", "--dump-dom", *options,
        f"--window-size={width + 50},1000", (folder / "frame.html").as_uri(),
    ).stdout  # fmt: skip
    found = re.search(r'data-found="([^"]*)"', dumped)
    assert found is not None, dumped[-2000:]
    return json.loads(html.unescape(found[1]))


@pytest.fixture(scope="module")
def page(reported):
    return reported.path("report/index.html").read_text()


def assert_sound(found):
    lists = ("messages", "undecoded", "dead", "requests", "overflowing")
    assert {name: found[name] for name in lists} == {name: [] for name in lists}
    assert found["wider"] == 0


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_sound_at_every_width(page, tmp_path, width):
    found = look(page, tmp_path, width)
    assert_sound(found)
    assert found["pictures"] == 13
    assert found["links"] >= 14


def test_long_names_overflow_nothing(fabricated, tmp_path):
    info = RunInfo.read(fabricated.path("run.json"))
    dataclasses.replace(info, cpu="x" * 300).write(fabricated.path("run.json"))
    fabricated.report()
    assert_sound(look(fabricated.path("report/index.html").read_text(), tmp_path / "look", 390))


@pytest.mark.parametrize(("width", "least"), [(390, 340), (1440, 1000)])
def test_a_page_without_contents_takes_the_whole_width(tmp_path, width, least):
    tables = (Table(("difference",), (Row("D1", ("-2.9",)),), "Differences."),)
    section = Section("Seeds", ("One paragraph.",), tables, ())
    found = look(render_section(section, ()), tmp_path, width)
    assert_sound(found)
    assert found["main"] >= least


def test_what_is_wrong_is_found(page, tmp_path):
    faults = (
        '<img src="absent.png" alt="absent">'
        '<a href="#nowhere">x</a>'
        '<div style="width:3000px">wide</div><script>console.error("loud")</script>'
    )
    found = look(page.replace("</main>", f"{faults}</main>"), tmp_path, 1440)
    assert found["undecoded"] == ["absent"]
    assert found["dead"] == ["#nowhere"]
    assert len(found["requests"]) == 1
    assert found["wider"] > 1000
    assert "DIV wide" in found["overflowing"]
    assert "loud" in found["messages"]


def luminance(color):
    """Of "rgb(...)", relative, as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("scheme", "is_dark"), [(0, True), (1, False)])
def test_dark_where_dark_is_preferred_and_legible_in_both(page, tmp_path, scheme, is_dark):
    found = look(page, tmp_path, 1440, f"--blink-settings=preferredColorScheme={scheme}")
    paper, ink = luminance(found["background"]), luminance(found["color"])
    assert (paper < 0.05) == is_dark
    assert (max(paper, ink) + 0.05) / (min(paper, ink) + 0.05) > 7


def pages(text, folder):
    """How many pages a text in the report's style is on paper."""
    folder.mkdir()
    (folder / "printed.html").write_text(text)
    pdf = folder / "printed.pdf"
    chromium(folder, f"--print-to-pdf={pdf}", (folder / "printed.html").as_uri())
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))


def test_what_is_folded_on_the_screen_is_printed(page, tmp_path):
    long = '<details><summary>In full</summary><p style="height:4000px">x</p></details>'
    text = f"<!DOCTYPE html><style>{STYLE.read_text()}</style>{long}"
    assert pages(text, tmp_path / "folded") >= 3
    assert pages(page, tmp_path / "report") >= 5


def test_names_of_every_script_overflow_nothing(of_many_scripts, tmp_path):
    of_many_scripts.report()
    text = of_many_scripts.path("report/index.html").read_text()
    assert_sound(look(text, tmp_path / "look", 390))
