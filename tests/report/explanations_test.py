import pytest

from synthmed_jax.report import explanations


@pytest.fixture
def lime(reported):
    return reported.read("explain/lime.json")


def test_columns_without_values_are_left_out(lime):
    table = explanations.by_class(lime)
    assert table["columns"] == ["n", "R²", "corners", "rank corr."]
    assert table["rows"][0]["values"] == ["9", "0.61 ± 0.10", "3.21 ± 0.50", "0.61 ± 0.10"]
    assert len(table["rows"]) == 2 * (len(lime["summary"]["real"]))


def test_methods_stand_side_by_side(lime):
    table = explanations.by_method(lime)
    assert [row["name"] for row in table["rows"]][:3] == [
        "LIME, real", "occlusion, real", "Grad-CAM, real"
    ]  # fmt: skip
    assert table["rows"][2]["values"] == ["0", explanations.DASH]


def test_only_differences_beyond_chance_are_listed(lime):
    table = explanations.differences(lime)
    assert len(table["rows"]) == 1
    assert table["rows"][0]["values"] == [
        "0.125",
        "0.250",
        "88\N{NO-BREAK SPACE}%",
        "0.001",
        "0.012",
    ]
    assert "1 of 2 tests" in table["caption"]


def test_a_class_judged_by_its_corners_is_said_aloud(lime):
    (said,) = explanations.alarms(lime)
    assert "corners of the image weighs 3.21 (95 % 2.90 to 3.60) times its area" in said


def test_places_are_compared_where_there_are_enough_images(lime):
    places, nearest = explanations.comparison(lime)
    assert "correlate with 0.91" in places
    assert "by 0.61 (95 % 0.50 to 0.70)" in nearest
    lime["nearest"]["nearest"]["n"] = 0
    assert explanations.comparison(lime) == [places]


def test_the_check_is_said_only_where_it_was_made(lime):
    assert "to 2e-17" in explanations.check(lime)
    assert explanations.check(lime | {"check": None}) is None
