import dataclasses

import numpy as np
import pytest

from synthmed_jax.explain import study
from synthmed_jax.results.explanations import Alarm, Stability
from synthmed_jax.statistics.intervals import Estimate, mean_estimate, share_estimate


def _share(low):
    return Estimate(n=5, mean=1.5, std=0.3, low=low, high=2.0)


def _summary(ring_low, corners_low):
    return {"lime": {"ring": _share(ring_low), "corners": _share(corners_low)}}


def test_an_alarm_needs_an_interval_wholly_above_the_areas_share():
    alarms = study.shortcut_alarms({"a": _summary(1.2, 0.9), "b": _summary(1.0, None)})
    assert alarms == (Alarm("a", "ring", _share(1.2)),)


def _study(numbers, heat=None, stability=None):
    methods = {method: {} for method in study.METHODS}
    return study.Study((), stability, methods | {"lime": numbers}, heat)


def test_a_summary_is_of_the_images_that_have_the_number():
    studies = [
        _study({"r2": 0.5, "border": None, "hit": 1.0}, stability=Stability(0.25, 1.0)),
        _study({"r2": 0.75, "border": 2.0}, stability=Stability(0.75, 0.5)),
    ]
    summary = study.summarise(studies)
    assert summary["lime"]["r2"] == mean_estimate([0.5, 0.75])
    assert summary["lime"]["border"] == mean_estimate([2.0])
    # Hits are a share of trials: even a single one has an interval.
    assert summary["lime"]["hit"] == share_estimate([1.0])
    assert summary["lime"]["rank_correlation"] == mean_estimate([0.25, 0.75])
    assert summary["lime"]["top_overlap"] == mean_estimate([1.0, 0.5])
    assert summary["occlusion"] == {}


def test_real_and_synthetic_are_compared_by_class_in_numbers_and_in_mean_maps():
    hill = np.arange(4.0).reshape(2, 2) / 6
    real = {"a": [_study({"r2": v}, hill) for v in (0.1, 0.2)], "b": [_study({"r2": 0.5}, hill)]}
    synthetic = {
        "a": [_study({"r2": v}, heat) for v, heat in ((0.3, hill), (0.4, hill), (1, None))]
    }
    compared = study.compare(real, synthetic, seed=0)
    assert [(row.class_name, row.number) for row in compared.tests] == [("a", "r2")]
    assert (compared.tests[0].n_real, compared.tests[0].n_synthetic) == (2, 3)
    assert compared.tests[0].superiority == 1
    # The image whose map is empty is left out; class b has too few.
    assert compared.places["a"].half == 1
    assert compared.places["a"].all == pytest.approx(1)
    assert compared.places["b"] is None


def test_importance_that_no_image_has_is_no_alarm():
    assert study.shortcut_alarms({"a": {"lime": {}}}) == ()
    empty = study.summarise([])
    assert set(empty) == set(study.METHODS)
    assert empty["lime"]["rank_correlation"].n == 0


def test_a_study_finds_the_reason_that_is_known(quadrant, discs, settings):
    lesion = np.zeros(discs.shape[:2], bool)
    lesion[16:, :16] = True
    # Stands for a method that looks elsewhere: at region 0, in the upper left.
    astray = study.study(quadrant, _astray, discs, settings, 2, _answer(quadrant, discs), lesion)
    numbers = astray.numbers
    assert set(numbers) == set(study.METHODS)
    for method in ("lime", "occlusion"):
        assert numbers[method]["hit"] == 1
        assert numbers[method]["lesion"] > 2
        assert numbers[method]["deletion_gain"] > 0
    assert numbers["grad_cam"]["hit"] == 0
    assert numbers["grad_cam"]["lesion"] == 0
    assert 0 < numbers["lime"]["hit_by_chance"] < 0.5
    assert astray.stability.rank_correlation < 1
    assert astray.heat.sum() == pytest.approx(1)
    corner = astray.heat[len(astray.heat) // 2 :, : len(astray.heat) // 2]
    assert corner.sum() > 0.5


def test_without_a_lesion_and_repeats_nothing_is_said_of_them(quadrant, discs, settings):
    alone = study.study(quadrant, _astray, discs, settings, 1, _answer(quadrant, discs))
    assert alone.stability is None
    assert not {"hit", "hit_by_chance", "lesion"} & set(alone.numbers["lime"])


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_work_is_known_beforehand(quadrant, discs, settings, monkeypatch, repeats):
    asked = []
    monkeypatch.setattr(
        quadrant, "masked", lambda view, m: asked.append(len(m)) or np.full((len(m), 2), 0.5)
    )
    squares = dataclasses.replace(settings, segmentation="grid", regions=16)
    found = study.study(quadrant, _astray, discs, squares, repeats, np.array([0.4, 0.6]))
    assert found.explanation.view.num_regions == 16
    assert sum(asked) == study.study_evaluations(squares, repeats)


def _answer(predictor, image):
    return predictor.probabilities(image[None])[0]


def _astray(view, label):
    return np.eye(view.num_regions)[0]
