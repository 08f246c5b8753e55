"""Writes report/: index.html (one self-contained file), report.md with its pictures, report.json.

The page has no script and loads nothing. Every text that comes from a file or a folder's name is
escaped: by autoescaping in the page, by `escape_markdown` in the Markdown.
"""

from __future__ import annotations

import html
import json
import pathlib
import re
from collections.abc import Callable, Collection, Sequence

import jinja2
import markupsafe

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.files import write_bytes, write_json, write_text
from synthmed_jax.printable import printable
from synthmed_jax.report import context, files, numbers, pictures, sections
from synthmed_jax.report.card import Answer
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.section import Section
from synthmed_jax.results.stored import Document

HERE = pathlib.Path(__file__).parent
MARKDOWN_MARKS = re.compile(r"[\\`*\[\]|]|(?<!\w)_|_(?!\w)")


def write_report(
    workdir: pathlib.Path,
    cells: Sequence[Cell],
    fit: ImageSet,
    synthetic: ImageSet | None,
    former: Collection[str] = (),
) -> Answer:
    """Writes report/ from the workdir's files; a stage that has not run leaves a sentence.

    Returns what its first page says.

    Args:
      workdir: a run's folder; config.json and split/split.json must be there.
      cells: whose trainings are shown: those that the run asks for.
      fit: the real images that generator and classifiers learned from.
      synthetic: the generated images, or None before `generate` has run.
      former: stages whose results are of other images or settings: they are not shown.

    Raises:
      UserError: a needed file is missing or damaged, or the files belong to other images.
    """
    contents = files.read_contents(workdir, cells).without(former)
    conclusions = conclude(contents)
    answer = make_answer(contents, conclusions)
    drawn = pictures.draw(contents, fit, synthetic)
    lime = [] if contents.lime is None else pictures.read_lime(workdir, contents.lime)
    added = sections.read_sections(workdir, former)
    not_run = {
        **context.not_run(contents, generated=synthetic is not None),
        **context.not_written(added),
    }
    variables = context.build(contents, conclusions, answer) | {
        "not_run": not_run,
        "pictures": drawn,
        "lime": lime,
        "sections": added,
    }

    directory = workdir / "report"
    directory.mkdir(parents=True, exist_ok=True)
    for picture in [*drawn.values(), *lime, *_of_sections(added)]:
        write_bytes(directory / picture.file, picture.png)
    write_text(directory / "report.md", render_markdown(variables, contents.config))
    write_json(directory / "report.json", numbers.collect(contents, conclusions, answer, not_run))
    write_text(directory / "index.html", render_html(variables))
    return answer


def _of_sections(added: sections.Placed) -> list[pictures.Picture]:
    return [each for place in added.values() for _, of_section in place for each in of_section]


def render_html(variables: dict[str, object]) -> str:
    """Returns the page."""
    return render_page("template.html.jinja2", variables)


def render_section(section: Section, of_section: Sequence[pictures.Picture]) -> str:
    """Returns a section as a page of its own."""
    return render_page("section.html.jinja2", {"section": section, "pictures": of_section})


def render_page(template: str, variables: dict[str, object]) -> str:
    """Returns a page of a template, in the report's style."""
    environment = _environment(autoescape=True, finalize=_printable)
    environment.filters["breakable"] = breakable
    style = (HERE / "style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(variables, style=style)


def render_markdown(variables: dict[str, object], config: Document) -> str:
    """Returns the same report in Markdown, with pictures as files beside it."""
    # JSON keeps every line break of a value escaped, so no value can end the code block.
    config_json = json.dumps(config, indent=1)
    return render_text("template.md.jinja2", variables | {"config_json": config_json})


def render_text(template: str, variables: dict[str, object]) -> str:
    """Returns the Markdown of a template."""
    environment = _environment(autoescape=False, finalize=escape_markdown)
    return environment.get_template(template).render(variables) + "\n"


def _environment(
    *, autoescape: bool, finalize: Callable[[object], object] | None = None
) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        undefined=jinja2.StrictUndefined,
        autoescape=autoescape,
        finalize=finalize,
    )


def _printable(value: object) -> object:
    """Spells out what would steer a terminal that shows the file; Markup is left alone."""
    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return printable(value, keep="\n\t")
    return value


def breakable(name: str) -> markupsafe.Markup:
    """Returns a name that a line may end in after "._/:", but for numbers; all else is escaped."""
    parts = re.split(r"(?<=[._/:])(?=[^\W\d])", str(_printable(name)))
    return markupsafe.Markup("<wbr>").join(parts)


def escape_markdown(value: object) -> str:
    """Returns a template's value with HTML and Markdown marks escaped; Markup is left alone."""
    if isinstance(value, markupsafe.Markup):
        return value
    text = html.escape(str(_printable(value)), quote=False).replace("\n", " ")
    return MARKDOWN_MARKS.sub(lambda match: "\\" + match.group(), text)
