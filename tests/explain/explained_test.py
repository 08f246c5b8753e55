import dataclasses

import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain.explained import (
    Explained,
    agreement_with_nearest,
    evaluations_of,
    records,
)
from synthmed_jax.explain.lime import Explanation, LimeSettings
from synthmed_jax.explain.predictor import make_view
from synthmed_jax.explain.study import Study, coarse_heat
from synthmed_jax.results.explanations import Evaluations

SEGMENTS = np.repeat(np.repeat(np.arange(4, dtype=np.int32).reshape(2, 2), 8, 0), 8, 1)


def _study(weights):
    """A study of an image whose two classes are explained by `weights` and their opposite."""
    view = make_view(np.zeros((16, 16, 1), np.uint8), SEGMENTS)
    both = np.stack([-np.array(weights), weights], axis=1)
    r2 = np.array([0.5, 0.9])
    explanation = Explanation(view, 1, np.array([0.25, 0.75]), both, None, r2, 100)
    return Study((explanation,), None, {"lime": {"r2": 0.9}}, coarse_heat(explanation))


def _images(labels):
    count = len(labels)
    return ImageSet(
        np.zeros((count, 16, 16, 1), np.uint8),
        np.array(labels, np.int32),
        tuple(f"{i}.png" for i in range(count)),
        ("a", "b"),
    )


@pytest.fixture
def explained():
    # Important regions that have nothing in common, so that only an image's own neighbour agrees.
    studies = [_study([4.0, 3, 2, 1]), _study([1.0, 2, 3, 4]), _study([1.0, 9, 1, 1])]
    return Explained(
        images=_images([0, 0, 1]),
        roles=[["surest right"], [], []],
        sampled=[True, True, False],
        studies=studies,
        nearest=_images([0, 0, 1]),
        nearest_explanations=[each.explanation for each in studies],
    )


def test_numbers_are_of_the_sampled_images_alone(explained):
    assert explained.by_class() == {"a": explained.studies[:2]}


def test_a_record_says_what_was_seen(explained):
    first = records("synthetic", explained)[0]
    assert (first.kind, first.file) == ("synthetic", "0.png")
    assert (first.label, first.predicted, first.nearest) == ("a", "b", "0.png")
    assert first.weights == (4.0, 3, 2, 1)
    assert first.probabilities == {"a": 0.25, "b": 0.75}
    assert (first.r2, first.standard_errors, first.stability) == (0.9, None, None)
    assert first.numbers == {"lime": {"r2": 0.9}}
    assert first.roles == ("surest right",)
    assert first.sampled


def test_explanations_of_all_seeds_and_of_nearest_images_are_counted(explained):
    first = explained.studies[0].explanation
    errors = np.abs(first.weights) / 5
    less, more, unsure = (
        dataclasses.replace(first, num_samples=n, standard_errors=e)
        for n, e in ((257, errors / 10), (1000, errors), (1000, np.full_like(errors, np.nan)))
    )
    of_kind = explained._replace(
        studies=[dataclasses.replace(explained.studies[0], explanations=(less, more))],
        nearest_explanations=[unsure],
    )
    settings = LimeSettings("jax", 1000, 0.1, "balanced", "none", "grid", 4, 0)
    assert evaluations_of({"real": of_kind}, settings) == Evaluations(3, 2257, 1000, 1000, 2)
    always = dataclasses.replace(settings, precision=0.0)
    assert evaluations_of({"real": of_kind}, always).imprecise == 0


def test_agreement_with_ones_own_neighbour_and_with_others(explained):
    agreement = agreement_with_nearest(explained)
    assert agreement.nearest.mean == pytest.approx(1)
    assert agreement.others_of_the_class.mean == pytest.approx(-1)
    assert agreement.nearest.n == 2


def test_an_image_without_importance_has_no_agreement(explained):
    blank = dataclasses.replace(explained.studies[0], heat=None)
    studies = [blank, *explained.studies[1:]]
    agreement = agreement_with_nearest(explained._replace(studies=studies))
    assert agreement.nearest.n == 1
