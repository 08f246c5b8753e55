"""Pages of explanations, two per class: chosen images, and synthetic with nearest real ones."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from synthmed_jax.explain import choice, pictures
from synthmed_jax.explain.explained import KINDS, Explained
from synthmed_jax.explain.lime import Explanation
from synthmed_jax.figure_png import to_png
from synthmed_jax.files import write_bytes
from synthmed_jax.legible import ChartNames, chart_names
from synthmed_jax.results.explanations import Page

Rows = list[list[pictures.Entry | None]]


def draw_pages(explained: Mapping[str, Explained], directory: pathlib.Path) -> tuple[Page, ...]:
    """Writes class<label>.png and nearest<label>.png per class, and returns what they show.

    Args:
      explained: kind (KINDS) -> its explained images; the synthetic ones have nearest real ones.
    """
    pages = []
    names = chart_names(explained["real"].images.class_names)
    explained = {kind: _renamed(of_kind, names) for kind, of_kind in explained.items()}
    for label, (name, shown) in enumerate(names.shown.items()):
        with names.fonts():
            roles = pictures.draw_page(shown, rows_of_roles(explained, label), KINDS)
            nearest = pictures.draw_page(
                f"{shown}: synthetic images and their nearest real (fit) ones",
                rows_of_nearest(explained["synthetic"], label),
                ("synthetic", "nearest"),
            )
            drawn = {"class": to_png(roles), "nearest": to_png(nearest)}
        for shows, prefix in (("roles", "class"), ("nearest", "nearest")):
            # Numbered: the name of a class need not be possible as a file's.
            file = f"{prefix}{label}.png"
            write_bytes(directory / file, drawn[prefix])
            pages.append(Page(f"explain/{file}", name, shows, names.key))
    return tuple(pages)


def _renamed(explained: Explained, names: ChartNames) -> Explained:
    """Returns the explained images with their classes called as charts call them."""
    images = dataclasses.replace(explained.images, class_names=names.labels)
    return explained._replace(images=images)


def rows_of_roles(explained: Mapping[str, Explained], label: int) -> Rows:
    """Returns one row per role of choice.ROLES, each with the image of a class of either kind.

    None where no image of that kind has the role.
    """
    return [
        [_entry_of_role(explained[kind], label, role) for kind in KINDS] for role in choice.ROLES
    ]


def _entry_of_role(explained: Explained, label: int, role: str) -> pictures.Entry | None:
    names = explained.images.class_names
    for i, roles in enumerate(explained.roles):
        if explained.images.labels[i] == label and role in roles:
            explanation = explained.studies[i].explanation
            title = f"{role}: {_describe(explanation, names, names[label])}"
            return pictures.Entry(explanation, title)
    return None


def rows_of_nearest(synthetic: Explained, label: int) -> Rows:
    """Returns one row per chosen synthetic image of a class: it, and its nearest real image."""
    nearest, names = synthetic.nearest, synthetic.images.class_names
    assert nearest is not None
    rows: Rows = []
    for i, roles in enumerate(synthetic.roles):
        if synthetic.images.labels[i] == label and roles:
            pair: Sequence[tuple[Explanation, int]] = (
                (synthetic.studies[i].explanation, label),
                (synthetic.nearest_explanations[i], int(nearest.labels[i])),
            )
            rows.append(
                [
                    pictures.Entry(explanation, _describe(explanation, names, names[truth]))
                    for explanation, truth in pair
                ]
            )
    return rows


def _describe(explanation: Explanation, names: Sequence[str], truth: str) -> str:
    predicted = int(explanation.probabilities.argmax())
    return (
        f"predicted {names[predicted]} {explanation.probabilities[predicted]:.0%}, truth {truth}, "
        f"R² {explanation.r2[explanation.label]:.2f}"
    )
