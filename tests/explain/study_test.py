from synthmed_jax.explain import study


def _summary(border_low, corners_low):
    return {"lime": {"border": {"low": border_low}, "corners": {"low": corners_low}}}


def test_an_alarm_needs_an_interval_wholly_above_the_areas_share():
    found = study.shortcut_alarms({"a": _summary(1.2, 0.9), "b": _summary(1.0, None)})
    assert [(alarm["class"], alarm["area"]) for alarm in found] == [("a", "border")]


def test_importance_that_no_image_has_is_no_alarm():
    assert study.shortcut_alarms({"a": {"lime": {}}}) == []
    empty = study.summarise([])
    assert set(empty) == set(study.METHODS)
    assert empty["lime"]["rank_correlation"]["n"] == 0
