"""Pages of explanations, two per class: chosen images, and synthetic with nearest real ones."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence

from synthmed_jax.explain import choice, pictures
from synthmed_jax.explain.explained import KINDS, Explained
from synthmed_jax.explain.lime import Explanation
from synthmed_jax.figure_png import to_png
from synthmed_jax.files import write_bytes
from synthmed_jax.results.explanations import Page

Rows = list[list[pictures.Entry | None]]


def draw_pages(explained: Mapping[str, Explained], directory: pathlib.Path) -> tuple[Page, ...]:
    """Writes class<label>.png and nearest<label>.png per class, and returns what they show.

    Args:
      explained: kind (KINDS) -> its explained images; the synthetic ones have nearest real ones.
    """
    pages = []
    for label, name in enumerate(explained["real"].images.class_names):
        roles = pictures.draw_page(name, rows_of_roles(explained, label), KINDS)
        nearest = pictures.draw_page(
            f"{name}: synthetic images and their nearest real (fit) ones",
            rows_of_nearest(explained["synthetic"], label),
            ("synthetic", "nearest"),
        )
        for shows, prefix, figure in (("roles", "class", roles), ("nearest", "nearest", nearest)):
            # Numbered: the name of a class need not be possible as a file's.
            file = f"{prefix}{label}.png"
            write_bytes(directory / file, to_png(figure))
            pages.append(Page(picture=f"explain/{file}", class_name=name, shows=shows))
    return tuple(pages)


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
