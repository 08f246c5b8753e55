import dataclasses

import numpy as np
import pytest

from synthmed_jax.explain import study
from synthmed_jax.results.explanations import Alarm
from synthmed_jax.statistics.intervals import Estimate


def _share(low):
    return Estimate(n=5, mean=1.5, std=0.3, low=low, high=2.0)


def _summary(border_low, corners_low):
    return {"lime": {"border": _share(border_low), "corners": _share(corners_low)}}


def test_an_alarm_needs_an_interval_wholly_above_the_areas_share():
    alarms = study.shortcut_alarms({"a": _summary(1.2, 0.9), "b": _summary(1.0, None)})
    assert alarms == (Alarm("a", "border", _share(1.2)),)


def test_importance_that_no_image_has_is_no_alarm():
    assert study.shortcut_alarms({"a": {"lime": {}}}) == ()
    empty = study.summarise([])
    assert set(empty) == set(study.METHODS)
    assert empty["lime"]["rank_correlation"].n == 0


def test_a_study_finds_the_reason_that_is_known(quadrant, discs, settings):
    lesion = np.zeros(discs.shape[:2], bool)
    lesion[16:, :16] = True
    # Stands for a method that looks elsewhere: at region 0, in the upper left.
    astray = study.study(quadrant, _astray, discs, settings, repeats=2, lesion=lesion)
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
    alone = study.study(quadrant, _astray, discs, settings, repeats=1)
    assert alone.stability is None
    assert not {"hit", "hit_by_chance", "lesion"} & set(alone.numbers["lime"])


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_work_is_known_beforehand(quadrant, discs, settings, monkeypatch, repeats):
    asked = []
    monkeypatch.setattr(
        quadrant, "masked", lambda view, m: asked.append(len(m)) or np.full((len(m), 2), 0.5)
    )
    squares = dataclasses.replace(settings, segmentation="grid", regions=16)
    found = study.study(quadrant, _astray, discs, squares, repeats)
    assert found.explanation.view.num_regions == 16
    assert sum(asked) == study.study_evaluations(squares, repeats)


def _astray(view, label):
    return np.eye(view.num_regions)[0]
