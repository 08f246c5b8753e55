import dataclasses

import pytest

from synthmed_jax.report import explanation_tables
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.formats import DASH, NBSP


@pytest.fixture(scope="module")
def lime(contents):
    return contents.lime


def shown(estimate, digits):
    return f"{estimate.mean:.{digits}f} ± {estimate.std:.{digits}f}"


def test_columns_without_values_are_left_out(lime):
    table = explanation_tables.by_class(lime)
    assert table.columns == (
        "n", "R²", "foreground", "border", "corners", "deletion gain", "insertion gain",
        "rank corr.", "top 5 shared",
    )  # fmt: skip
    assert len(table.rows) == 2 * len(lime.summary["real"])
    # No image has a known lesion.
    assert "in the lesion" not in explanation_tables.by_method(lime).columns


def test_a_row_has_the_numbers_of_its_class_and_kind(lime):
    table = explanation_tables.by_class(lime)
    rows = {row.name: row.values for row in table.rows}
    of_class = lime.summary["synthetic"]["Early"]["lime"]
    assert rows["Early, synthetic"] == (
        "9",
        *(shown(of_class[name], digits) for name, _, digits in explanation_tables.OF_LIME),
    )
    assert rows["Benign, real"][4] == "3.21 ± 0.50"


def test_methods_stand_side_by_side(lime):
    table = explanation_tables.by_method(lime)
    assert [row.name for row in table.rows][:3] == [
        "LIME, real", "occlusion, real", "Grad-CAM, real"
    ]  # fmt: skip
    grad_cam = lime.summary["real"]["all classes"]["grad_cam"]
    assert table.rows[2].values[:2] == ("9", shown(grad_cam["deletion_gain"], 3))


def test_a_number_that_a_method_lacks_is_a_dash(lime):
    classes = lime.summary["real"]
    of_all = classes["all classes"] | {"grad_cam": {}}
    summary = lime.summary | {"real": classes | {"all classes": of_all}}
    table = explanation_tables.by_method(dataclasses.replace(lime, summary=summary))
    assert table.rows[2].values[0] == "0"
    assert set(table.rows[2].values[1:]) == {DASH}


def test_only_differences_beyond_chance_are_listed(contents):
    table = explanation_tables.differences(conclude(contents).differences)
    (row,) = table.rows
    assert row.name == "Benign, deletion gain"
    assert row.values == ("0.125", "0.250", f"88{NBSP}%", "0.001", "0.012")
    assert "1 of 2 tests" in table.caption
    assert "listed below 0.05" in table.caption
