import dataclasses

import pytest

from synthmed_jax.report import explanations
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.formats import n_is


@pytest.fixture(scope="module")
def lime(contents):
    return contents.lime


def test_the_intro_says_how_explanations_were_made(lime):
    text = explanations.intro(lime)
    assert "made resnet18 (arm synthetic, training 1) answer" in text
    assert "slic regions, at most 400 perturbed copies of each image, sampling balanced, l" in text
    assert "seed 5). Each stopped once" in text
    assert "without being so sure. Numbers are of at most 7 images per class and kind" in text
    assert "variate" not in explanations.intro(dataclasses.replace(lime, control="none"))


def test_the_intro_says_what_the_explanations_took(lime):
    text = explanations.intro(lime).replace("\N{NO-BREAK SPACE}", " ")
    assert "were at most 8.0 % of its largest weight" in text
    assert "The 3 explanations, of all seeds and of the nearest real images, took 914" in text
    assert "half of them 257 or fewer and none more than 400; 1 ended at the most allowed" in text
    fixed = explanations.intro(dataclasses.replace(lime, precision=0.0))
    assert "regions, 400 perturbed copies of each image" in fixed
    assert "took 914 perturbed copies in all. Numbers" in fixed
    assert "stopped" not in fixed
    older = explanations.intro(dataclasses.replace(lime, precision=0.0, evaluations=None))
    assert "seed 5). Numbers are" in older


def test_the_intro_says_of_how_many_images_too_little_is_known(lime):
    (image,) = lime.images
    assert "not known" not in explanations.intro(lime)
    unsure = dataclasses.replace(image, standard_errors=None)
    some = dataclasses.replace(lime, num_samples=40, images=(image, unsure, unsure))
    text = explanations.intro(some)
    assert "Of 2 of the 3 explained images it is not known how sure the weights are" in text
    assert "40 perturbed copies are too few" in text
    assert "neither in numbers nor by a shortcut alarm" in text
    assert "config.explain.num_samples=8 would tell" in text
    assert "not known" not in explanations.intro(dataclasses.replace(some, engine="lime"))


def test_a_class_judged_by_its_corners_is_said_aloud(contents):
    (text,) = explanations.alarms(conclude(contents).shortcuts)
    assert (
        "on real images of Benign the corners of the image weigh 3.21 (95 % 2.90 to 3.60)" in text
    )
    assert f"times their area ({n_is(9)})" in text


def test_places_are_compared_where_there_are_enough_images(lime):
    places, nearest = explanations.comparison(lime)
    assert places.startswith("Benign: ")
    assert "correlate with 0.91" in places
    assert "real with synthetic 0.77, real with real 0.83" in places
    assert "by 0.61 (95 % 0.50 to 0.70)" in nearest
    assert "by 0.32 (95 % 0.21 to 0.41)" in nearest
    none = dataclasses.replace(lime.nearest.nearest, n=0)
    without = dataclasses.replace(lime, nearest=dataclasses.replace(lime.nearest, nearest=none))
    assert explanations.comparison(without) == [places]


def test_the_engines_are_compared_only_where_that_was_asked(lime):
    assert "to 2e-17" in explanations.engines(lime.check)
    assert explanations.engines(None) is None


def test_a_page_says_what_it_shows(lime):
    captions = {page.shows: explanations.caption(page) for page in lime.pages}
    assert captions["roles"].startswith("Images of Pre, real test images on the left")
    assert captions["nearest"].startswith("Synthetic images of Pre and, beside each, the nearest")
