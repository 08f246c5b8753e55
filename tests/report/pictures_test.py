import base64
import dataclasses
import io

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from synthmed_jax import legible
from synthmed_jax.errors import UserError
from synthmed_jax.report import curves, pictures
from synthmed_jax.report.drawing import to_png
from synthmed_jax.report.formats import NBSP

ALL = {
    "samples", "closest", "pairs", "diffusion_curves", "classifier_curves", "accuracy", "confusion"
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(reported, contents):
    return pictures.draw(contents, reported.fit, reported.synthetic)


def test_a_finished_run_has_all_pictures(drawn):
    assert set(drawn) == ALL
    for picture in drawn.values():
        assert Image.open(io.BytesIO(picture.png)).format == "PNG"
        assert picture.alt
        assert picture.caption
    assert len({picture.file for picture in drawn.values()}) == len(ALL)


def test_captions_have_the_numbers_of_the_files(drawn):
    captions = {name: picture.caption.replace(NBSP, " ") for name, picture in drawn.items()}
    assert "The 8 closest of n = 21 pairs" in captions["closest"]
    assert "(root mean square difference)" in captions["closest"]
    assert "4 pairs per class" in captions["pairs"]
    assert "on n = 12 fit and n = 12 val images, 1990 steps" in captions["diffusion_curves"]
    assert (
        "its 95 % interval (Wilson score of the mean over trainings, 60 images)"
        in (captions["accuracy"])
    )
    confusion = "synthetic, 162 of 180 right in 3 trainings; real, 162 of 180 right in 3 trainings"
    assert confusion in captions["confusion"]
    assert confusion in drawn["confusion"].alt


def test_more_than_one_number_of_images_is_a_curve(reported, contents):
    first, *others = contents.evaluation.cells
    fewer = dataclasses.replace(first, n=50)
    cells = (first, *others, fewer)
    evaluation = dataclasses.replace(contents.evaluation, cells=cells)
    drawn = pictures.draw(
        dataclasses.replace(contents, evaluation=evaluation), reported.fit, reported.synthetic
    )
    assert set(drawn) == ALL | {"amounts"}
    assert "number of synthetic images per class" in drawn["amounts"].alt


def test_what_is_not_there_is_not_drawn(reported, contents, monkeypatch):
    monkeypatch.setattr(pictures, "to_png", lambda figure: b"")

    def names(synthetic=reported.synthetic, **fields):
        return set(pictures.draw(dataclasses.replace(contents, **fields), reported.fit, synthetic))

    assert names(None) == ALL - {"samples", "closest", "pairs"}
    assert names(fidelity=None) == ALL - {"closest", "pairs"}
    assert names(evaluation=None) == ALL - {"accuracy", "confusion"}
    assert names(generators={}, folds={}) == ALL - {"diffusion_curves", "classifier_curves"}


def test_of_many_cells_some_curves_are_left_out_and_counted(reported, contents, monkeypatch):
    shown = []
    monkeypatch.setattr(
        pictures.curves,
        "classifier_curves",
        lambda folds: (
            shown.append(list(folds))
            or curves.diffusion_curves({"": contents.generators[""].records})
        ),
    )
    monkeypatch.setattr(pictures, "CURVES_SHOWN", 2)
    drawn = pictures.draw(contents, reported.fit, None)
    assert shown == [list(reported.cells[:2])]
    assert drawn["classifier_curves"].caption.endswith(
        "The curves of 1 more cells are in classify/."
    )


def test_a_pictures_address_holds_its_bytes(drawn):
    kind, _, content = drawn["accuracy"].data_uri.partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == drawn["accuracy"].png


def test_pages_of_explanations_are_read_as_they_are(reported, contents):
    pages = pictures.read_lime(reported.workdir, contents.lime)
    assert [page.file for page in pages] == [
        f"lime_{name}{label}.png" for name in ("class", "nearest") for label in range(3)
    ]
    assert pages[0].png == reported.path("explain/class0.png").read_bytes()
    assert "of Early" in pages[1].alt
    assert "nearest" in pages[3].caption


def test_a_page_of_explanations_has_the_key_of_its_numbers(reported, contents):
    page = dataclasses.replace(contents.lime.pages[0], key="class 1 = Benign.")
    lime = dataclasses.replace(contents.lime, pages=(page,))
    (picture,) = pictures.read_lime(reported.workdir, lime)
    assert picture.caption.endswith("speak for the prediction. class 1 = Benign.")


def test_no_name_of_a_page_leads_out_of_the_folder(reported, contents):
    page = dataclasses.replace(contents.lime.pages[0], picture="../../explain/class1.png")
    lime = dataclasses.replace(contents.lime, pages=(page,))
    (picture,) = pictures.read_lime(reported.workdir, lime)
    assert picture.png == reported.path("explain/class1.png").read_bytes()
    np.testing.assert_equal(picture.file, "lime_class1.png")


def test_a_missing_page_is_named(fabricated):
    fabricated.path("explain/class1.png").unlink()
    lime = fabricated.contents().lime
    with pytest.raises(UserError, match=r"class1\.png is gone, and lime\.json names it"):
        pictures.read_lime(fabricated.workdir, lime)


@pytest.fixture
def texts(monkeypatch):
    """What is written in the charts that are drawn, chart after chart."""
    written = []

    def collect(figure):
        png = to_png(figure)
        written.append({text.get_text() for text in figure.findobj(Text)} - {""})
        return png

    monkeypatch.setattr(pictures, "to_png", collect)
    return written


def draw_per_class(made):
    """The pictures of a run, with a generator of its own for each class."""
    contents = made.contents()
    generators = dict.fromkeys(made.fit.class_names, contents.generators[""])
    contents = dataclasses.replace(contents, generators=generators)
    return pictures.draw(contents, made.fit, made.synthetic)


# A letter that a chart has no font for is a warning of matplotlib's, and warnings are errors here.
def test_names_that_no_font_has_are_numbers_with_a_key(of_many_scripts, texts, monkeypatch):
    monkeypatch.setattr(legible, "WIDE_FONTS", ())
    drawn = draw_per_class(of_many_scripts)
    key = (
        "class 1 = Müller & Söhne <b>x, class 2 = 良性肿瘤, class 3 = ورم, class 4 = a,b=c, class 5"
    )
    named = {"samples", "closest", "pairs", "diffusion_curves", "confusion"}
    for (name, picture), words in zip(drawn.items(), texts, strict=True):
        shown = " ".join(words)
        assert (key in picture.caption) == (name in named), name
        # Only the closest pairs need not be of all classes.
        assert ("class 5" in shown) == (name in named) or name == "closest", name
        assert not any(each in shown for each in of_many_scripts.fit.class_names), name
    assert "良性肿瘤" in drawn["samples"].alt  # which no font of a chart's has to draw


def test_one_generator_of_all_classes_needs_no_key(of_many_scripts, texts, monkeypatch):
    monkeypatch.setattr(legible, "WIDE_FONTS", ())
    drawn = pictures.draw(of_many_scripts.contents(), of_many_scripts.fit, None)
    assert "class 1" not in drawn["diffusion_curves"].caption


def test_names_that_the_usual_font_has_are_shown(hostile, texts):
    drawn = draw_per_class(hostile)
    assert {"$a_{b", "<b>x</b>", "pipe|and`tick"} < texts[0]  # the samples
    assert not any("class 1" in picture.caption for picture in drawn.values())
    assert not any("class 1" in word for words in texts for word in words)
