"""Pages of explanations: what was chosen of each class, and synthetic images' nearest real ones."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from synthmed_jax.explain import choice, pictures
from synthmed_jax.explain.explained import KINDS, Explained
from synthmed_jax.explain.lime import Explanation


def draw_pages(explained: Mapping[str, Explained], directory: pathlib.Path) -> list[dict[str, Any]]:
    """Draws two pages a class, class<label>.png and nearest<label>.png; returns what they show."""
    pages = []
    for label, name in enumerate(explained["real"].images.class_names):
        rows = [
            [_entry_of_role(explained[kind], label, role) for kind in KINDS]
            for role in choice.ROLES
        ]
        # Numbered: a class may be named what no file can be.
        pictures.draw_page(directory / f"class{label}.png", name, rows, KINDS)
        pairs = _pairs(explained["synthetic"], label)
        said = f"{name}: synthetic images and their nearest real (fit) ones"
        pictures.draw_page(directory / f"nearest{label}.png", said, pairs, ("synthetic", "nearest"))
        pages += [
            {"picture": f"explain/class{label}.png", "class": name, "shows": "roles"},
            {"picture": f"explain/nearest{label}.png", "class": name, "shows": "nearest"},
        ]
    return pages


def _entry_of_role(found: Explained, label: int, role: str) -> pictures.Entry | None:
    for i, roles in enumerate(found.roles):
        if found.images.labels[i] == label and role in roles:
            names = found.images.class_names
            own = found.studies[i].explanation
            return pictures.Entry(own, f"{role}: {_verdict(own, names, names[label])}")
    return None


def _pairs(found: Explained, label: int) -> list[list[pictures.Entry | None]]:
    assert found.nearest is not None
    names = found.images.class_names
    rows: list[list[pictures.Entry | None]] = []
    for i, roles in enumerate(found.roles):
        if found.images.labels[i] == label and roles:
            pair: Sequence[tuple[Explanation, int]] = (
                (found.studies[i].explanation, label),
                (found.nearest_found[i], int(found.nearest.labels[i])),
            )
            rows.append(
                [pictures.Entry(own, _verdict(own, names, names[truth])) for own, truth in pair]
            )
    return rows


def _verdict(found: Explanation, names: Sequence[str], truth: str) -> str:
    predicted = int(found.probabilities.argmax())
    return (
        f"predicted {names[predicted]} {found.probabilities[predicted]:.0%}, truth {truth}, "
        f"R² {found.r2[found.label]:.2f}"
    )
