"""Sections that stages have left for the report, with their pictures."""

from __future__ import annotations

import pathlib
from collections.abc import Collection

from synthmed_jax.errors import UserError
from synthmed_jax.report import outline
from synthmed_jax.report.pictures import Picture
from synthmed_jax.results.section import Section, section_files

Placed = dict[str, list[tuple[Section, list[Picture]]]]


def read_sections(workdir: pathlib.Path, former: Collection[str] = ()) -> Placed:
    """Returns the sections in a workdir, each with its pictures, by their place in the outline.

    Args:
      former: folders of stages whose sections are of other images or settings, and left out.

    Raises:
      UserError: a section is damaged, or a picture that it names is missing.
    """
    placed: Placed = {}
    for path in section_files(workdir):
        if path.parent.name in former:
            continue
        section = Section.read(path)
        found = (section, read_pictures(section, path.parent))
        placed.setdefault(outline.place_of(path.parent.name, path.name), []).append(found)
    return placed


def read_pictures(section: Section, folder: pathlib.Path) -> list[Picture]:
    """Returns the pictures that a section names, from its folder.

    Raises:
      UserError: one is missing.
    """
    pictures = []
    for each in section.pictures:
        # By its last part alone: no name in the file leads out of the folder.
        path = folder / pathlib.PurePosixPath(each.file).name
        if not path.exists():
            raise UserError(f"{path} is named by section.json beside it, but missing")
        name = f"{folder.name}_{path.name}"
        pictures.append(Picture(name, path.read_bytes(), each.alt, each.caption))
    return pictures
