"""Writes report/: index.html (one self-contained file), report.md with its pictures, report.json.

The page has no script and loads nothing. Every text that comes from a file or a folder's name is
escaped: by autoescaping in the page, by `escape_markdown` in the Markdown.
"""

import dataclasses
import html
import json
import pathlib
import re
from typing import Any

import jinja2
import markupsafe

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.files import write_bytes, write_json, write_text
from synthmed_jax.report import context, files, findings, pictures, wording

HERE = pathlib.Path(__file__).parent
MARKDOWN_MARKS = re.compile(r"[\\`*\[\]|]|(?<!\w)_|_(?!\w)")


def write_report(workdir: pathlib.Path, fit: ImageSet, synthetic: ImageSet | None) -> None:
    """Writes report/ from the workdir's files; a stage that has not run leaves a sentence.

    Args:
      workdir: a run's folder; config.json and split/split.json must be there.
      fit: the real images that generator and classifiers learned from.
      synthetic: the generated images, or None before `generate` has run.

    Raises:
      UserError: a needed file is missing, or the files belong to other images.
    """
    run = files.read_run(workdir)
    drawn = pictures.draw(run, fit, synthetic)
    lime = pictures.read_lime(workdir, run.lime) if run.lime is not None else []
    variables = context.build(run) | {"pictures": drawn, "lime": lime}
    if synthetic is None:
        said = wording.not_run("generate", "no synthetic image")
        variables["not_run"] = variables["not_run"] | {"samples": said, "pairs": said}

    directory = workdir / "report"
    directory.mkdir(parents=True, exist_ok=True)
    for picture in [*drawn.values(), *lime]:
        write_bytes(directory / picture.file, picture.png)
    write_text(directory / "report.md", render_markdown(variables, run.config))
    write_json(directory / "report.json", numbers(run, variables))
    write_text(directory / "index.html", render_html(variables))


def render_html(variables: dict[str, Any]) -> str:
    """Returns the page."""
    environment = _environment(autoescape=True)
    style = (HERE / "style.css").read_text(encoding="utf-8")
    return environment.get_template("template.html.jinja2").render(variables, style=style)


def render_markdown(variables: dict[str, Any], config: dict[str, Any]) -> str:
    """Returns the same report in Markdown, with pictures as files beside it."""
    environment = _environment(autoescape=False, finalize=escape_markdown)
    template = environment.get_template("template.md.jinja2")
    # JSON keeps every line break of a value escaped, so no value can end the code block.
    return template.render(variables, config_json=json.dumps(config, indent=1)) + "\n"


def _environment(**options: Any) -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(HERE)
    return jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, **options)


def escape_markdown(value: Any) -> Any:
    """Returns a template's value with HTML and Markdown marks escaped; Markup is left alone."""
    if isinstance(value, markupsafe.Markup):
        return value
    text = html.escape(str(value), quote=False).replace("\n", " ")
    return MARKDOWN_MARKS.sub(lambda match: "\\" + match.group(), text)


def numbers(run: files.Run, variables: dict[str, Any]) -> dict[str, Any]:
    """Returns every number of the report, for programs: report.json."""
    fidelity = dict(run.fidelity) if run.fidelity is not None else None
    if fidelity is not None:
        by_distance = sorted(fidelity.pop("synthetic"), key=lambda entry: entry["distance"])
        fidelity["closest"] = by_distance[: pictures.CLOSEST_PAIRS]
    found = findings.headline(run)
    return {
        "title": variables["title"],
        "dataset": variables["dataset"],
        "answer": variables["answer"],
        "headline": {
            "gap": found.get("gap"),
            "distance_ratio": found.get("distance_ratio"),
            **{arm: found.get(arm) for arm in ("synthetic", "real")},
        },
        "counts": run.counts,
        "split": run.split,
        "metrics": run.metrics,
        "fidelity": fidelity,
        "lime": run.lime,
        "diffusion": {name: dataclasses.asdict(g) for name, g in run.diffusion.items()},
        "limits": variables["limits"],
        "not_run": variables["not_run"],
        "config": run.config,
        "run": run.info,
    }
