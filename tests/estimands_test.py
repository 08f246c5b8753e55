from synthmed_jax.arms import ARMS
from synthmed_jax.estimands import ADD, ESTIMANDS, REPLACE, declared


def test_estimands_are_of_arms_that_there_are():
    for estimand in ESTIMANDS:
        assert {*estimand.first, *estimand.second} <= set(ARMS)
        assert not set(estimand.first) & set(estimand.second)


def test_the_margin_is_allowed_to_the_first_alone():
    assert [each.limit(0.03) for each in (REPLACE, ADD)] == [-0.03, 0.0]


def test_what_will_be_estimated_is_said_beforehand():
    replace, add = declared(("synthetic", "real", "real_augmented", "mixed_1to4"), 0.025)
    assert replace.startswith("D1: Can synthetic images stand in for the real ones?")
    assert "yes, if the lower 95 % bound is above -2.5 points" in replace
    assert "above 0 (two tests per data set, Holm)" in add


def test_what_can_not_be_estimated_is_said_with_the_arms_that_lack():
    replace, add = declared(("synthetic",), 0.02)
    assert "Not estimated: config.classifier.arms lacks real or real_augmented." in replace
    assert "lacks mixed_1to1 or mixed_1to4 and real_augmented." in add
