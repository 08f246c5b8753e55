import dataclasses

import numpy as np
import pytest
from PIL import Image

from synthmed_jax import legible
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain import pages
from synthmed_jax.explain.explained import Explained
from synthmed_jax.explain.lime import Explanation
from synthmed_jax.explain.predictor import make_view
from synthmed_jax.explain.study import Study
from synthmed_jax.results.explanations import Page

SEGMENTS = np.repeat(np.repeat(np.arange(4, dtype=np.int32).reshape(2, 2), 4, 0), 4, 1)
WEIGHTS = np.stack([[0.1, -0.2, 0.3, 0.0], [-0.1, 0.2, -0.3, 0.0]], axis=1)


def _explanation(probability, label=None):
    """Of an image that is of class b with this probability; by default of the predicted class."""
    probabilities = np.array([1 - probability, probability])
    predicted = int(probabilities.argmax())
    view = make_view(np.zeros((8, 8, 1), np.uint8), SEGMENTS)
    label = predicted if label is None else label
    return Explanation(view, label, probabilities, WEIGHTS, None, np.array([0.5, 0.9]), 100)


def _image_set(folder, labels):
    files = tuple(f"{folder}/{i}.png" for i in range(len(labels)))
    images = np.zeros((len(labels), 8, 8, 1), np.uint8)
    return ImageSet(images, np.array(labels, np.int32), files, ("a", "b/c"))


def _explained(kind, labels, roles, probabilities, nearest=None, nearest_explanations=()):
    studies = [Study((_explanation(p),), None, {}, None) for p in probabilities]
    sampled = [not of_image for of_image in roles]
    images = _image_set(kind, labels)
    return Explained(images, roles, sampled, studies, nearest, list(nearest_explanations))


@pytest.fixture
def explained():
    """Class 0 has one real image and three synthetic ones, class 1 no real image."""
    return {
        "real": _explained("real", [0], [["surest right", "least certain"]], [0.2]),
        "synthetic": _explained(
            "synthetic",
            [0, 0, 0, 1],
            [["surest wrong"], [], ["surest right"], ["least certain"]],
            [0.7, 0.1, 0.1, 0.9],
            nearest=_image_set("fit", [0, 0, 1, 1]),
            nearest_explanations=[_explanation(p, 1) for p in (0.6, 0.3, 0.3, 0.8)],
        ),
    }


def _titles(rows):
    return [[entry and entry.title for entry in row] for row in rows]


def test_each_role_has_a_row_and_an_image_with_two_roles_is_in_both(explained):
    rows = pages.rows_of_roles(explained, 0)
    assert _titles(rows) == [
        ["surest right: predicted a 80%, truth a, R² 0.50",
         "surest right: predicted a 90%, truth a, R² 0.50"],
        [None, "surest wrong: predicted b/c 70%, truth a, R² 0.90"],
        ["least certain: predicted a 80%, truth a, R² 0.50", None],
    ]  # fmt: skip
    assert rows[0][0].explanation is rows[2][0].explanation
    assert rows[1][1].explanation is explained["synthetic"].studies[0].explanation


def test_a_class_without_images_of_a_kind_has_gaps(explained):
    assert _titles(pages.rows_of_roles(explained, 1)) == [
        [None, None],
        [None, None],
        [None, "least certain: predicted b/c 90%, truth b/c, R² 0.90"],
    ]


def test_pictured_synthetic_images_stand_beside_their_nearest_real_ones(explained):
    rows = pages.rows_of_nearest(explained["synthetic"], 0)
    # The second image was drawn for the numbers alone. The third one's nearest is of another class.
    assert _titles(rows) == [
        ["predicted b/c 70%, truth a, R² 0.90", "predicted b/c 60%, truth a, R² 0.90"],
        ["predicted a 90%, truth a, R² 0.50", "predicted a 70%, truth b/c, R² 0.90"],
    ]
    assert rows[1][1].explanation is explained["synthetic"].nearest_explanations[2]
    assert len(pages.rows_of_nearest(explained["synthetic"], 1)) == 1


def test_pages_are_numbered_files_and_are_named_as_the_report_finds_them(explained, tmp_path):
    drawn = pages.draw_pages(explained, tmp_path / "explain")
    assert drawn == (
        Page("explain/class0.png", "a", "roles"),
        Page("explain/nearest0.png", "a", "nearest"),
        Page("explain/class1.png", "b/c", "roles"),
        Page("explain/nearest1.png", "b/c", "nearest"),
    )
    assert {p.name for p in tmp_path.rglob("*.png")} == {
        page.picture.removeprefix("explain/") for page in drawn
    }
    # A page has a row per role, or per pictured synthetic image.
    heights = {}
    for page in drawn:
        with Image.open(tmp_path / page.picture) as picture:
            heights[page.picture.removeprefix("explain/")] = picture.size[1]
    assert heights["class0.png"] == heights["class1.png"] > heights["nearest0.png"]
    assert heights["nearest0.png"] > heights["nearest1.png"]


# A letter that a chart has no font for is a warning of matplotlib's, and warnings are errors here.
def test_names_that_no_font_has_are_numbers_with_a_key(explained, tmp_path, monkeypatch):
    monkeypatch.setattr(legible, "WIDE_FONTS", ())
    headings, titles = [], []

    def draw(heading, entries, column_titles):
        headings.append(heading)
        titles.extend(entry.title for row in entries for entry in row if entry)
        return drawn_page(heading, entries, column_titles)

    drawn_page = pages.pictures.draw_page
    monkeypatch.setattr(pages.pictures, "draw_page", draw)
    for kind, of_kind in explained.items():
        images = dataclasses.replace(of_kind.images, class_names=("良性肿瘤", "$x_1$ % #"))
        explained[kind] = of_kind._replace(images=images)
    page, *_ = pages.draw_pages(explained, tmp_path)
    assert page.class_name == "良性肿瘤"
    assert page.key.endswith("class 1 = 良性肿瘤, class 2 = $x_1$ % #.")
    assert headings[:2] == [
        "class 1",
        "class 1: synthetic images and their nearest real (fit) ones",
    ]
    assert "surest wrong: predicted class 2 70%, truth class 1, R² 0.90" in titles
