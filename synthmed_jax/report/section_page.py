"""One section as a page of its own: self-contained, without script, nothing is loaded."""

from __future__ import annotations

import pathlib

from synthmed_jax.files import write_text
from synthmed_jax.report import html, sections
from synthmed_jax.results.section import FILE, Section


def write_section_page(folder: pathlib.Path) -> pathlib.Path:
    """Writes index.html beside a section.json, with the pictures that it names; returns its path.

    Raises:
      UserError: a picture is missing.
      Damaged: the section is not what was written.
      FileNotFoundError: there is none.
    """
    section = Section.read(folder / FILE)
    pictures = sections.read_pictures(section, folder)
    path = folder / "index.html"
    write_text(path, html.render_section(section, pictures))
    return path
