import dataclasses

import pytest

from synthmed_jax.report import compare_answers, compare_fidelity, compare_tables
from synthmed_jax.report.formats import DASH, MINUS, NBSP
from tests.report.compared import D1, NO_RELEASE, SIDE

PERCENT = f"{NBSP}%"


def rows(table):
    assert table.columns == ("full", "bare")
    return {row.name: row.values for row in table.rows}


@pytest.mark.parametrize(
    ("table", "name", "values"),
    [
        (compare_tables.runs_table, "images", ("245", "10")),
        (compare_tables.runs_table, "classes", ("benign, malignant", "benign")),
        (compare_tables.runs_table, "config.seed", ("1", "2")),
        (compare_tables.runs_table, "preset", ("cpu", DASH)),
        (compare_tables.runs_table, "commit of its last command", ("c0ffee", DASH)),
        (compare_tables.settings_table, "config.seed", ("1", "2")),
        (compare_tables.settings_table, "config.new", ('""', DASH)),
        (compare_tables.data_table, "all classes", ("42 / 9 / 194", "5 / 2 / 3")),
        (compare_tables.data_table, "malignant", ("22 / 5 / 98", DASH)),
        (compare_tables.data_table, "sha256 of the test images", ("7" * 12, "7" * 12)),
        (
            compare_tables.arms_table,
            "synthetic",
            (
                f"81.0{PERCENT}\n75.2 to 85.3{PERCENT}\nbalanced 79.0{PERCENT}\n"
                "resnet18, 8 images per class, 1 training",
                DASH,
            ),
        ),
        (
            compare_tables.arms_table,
            "real",
            (
                DASH,
                f"81.0{PERCENT}\n75.2 to 85.3{PERCENT}\nbalanced 79.0{PERCENT}\n"
                "resnet18, all fit images, 5 trainings",
            ),
        ),
        (
            compare_tables.floors_table,
            "real: forest on the outermost ring of pixels",
            (f"70.5{PERCENT}\n+10.0 (+6.0 to +14.0)", DASH),
        ),
        (compare_tables.cost_table, "diffusion", (f"3{NBSP}min 12{NBSP}s", DASH)),
        # Less the report, which can't tell its own time.
        (compare_tables.cost_table, "all of these", (f"3{NBSP}min 18{NBSP}s", DASH)),
        (compare_tables.cost_table, "processor", ("A processor", DASH)),
        (compare_tables.cost_table, "cores", ("3", DASH)),
        (compare_fidelity.nearness_table, "ratio of distances", ("0.99", DASH)),
        (
            compare_answers.verdicts_table,
            "Stand in for real images (D1)",
            ("? Not shown", DASH),
        ),
        (
            compare_answers.verdicts_table,
            "Safe to share: The images alone",
            ("✗ Copies found", f"{DASH} Not measured"),
        ),
        (
            compare_answers.verdicts_table,
            "Safe to share: Both",
            ("✗ An attack succeeds", f"{DASH} Not measured"),
        ),
    ],
)
def test_a_row_has_a_text_per_run_and_a_dash_where_one_lacks_it(table, name, values):
    assert rows(table(SIDE))[name] == values


def test_an_answer_in_full_has_numbers_power_and_what_is_missing():
    (d1,) = rows(compare_answers.answer_table(SIDE, "D1")).values()
    assert d1 == ("Not shown\n-3.0 synthetic less real (-5.0 to -1.0)\nUnder 2.4 is missed.", DASH)
    release = rows(compare_answers.answer_table(SIDE, "release"))
    assert release["Both"][1] == "Not measured\nThe audit has not run."


def test_what_no_run_has_measured_is_one_row():
    runs = [dataclasses.replace(r, answers={"release": NO_RELEASE, "D1": D1}) for r in SIDE.runs]
    side = dataclasses.replace(SIDE, runs=tuple(runs))
    assert rows(compare_answers.verdicts_table(side))["Safe to share"] == 2 * (
        f"{DASH} Not measured",
    )


def test_fidelity_stands_beside_that_of_real_images():
    held_out, fit = compare_fidelity.fidelity_tables(SIDE)
    n = f"n{NBSP}={NBSP}"
    assert rows(held_out) == {
        "kernel distance, hand-made features": (
            f"2.40\n1.90 to 2.90\nreal {MINUS}0.01 ({MINUS}0.04 to 0.02)\n{n}90",
            DASH,
        )
    }
    assert rows(fit) == {"told apart by a forest, pixels": (f"{DASH}\ntoo few images", DASH)}
    assert "Synthetic against held-out images" in held_out.caption
    assert "Synthetic against fit images" in fit.caption
    # A Frechet distance is among those to held-out images alone.
    assert ("Frechet distances are left out" in held_out.caption, "Frechet" in fit.caption) == (
        True,
        False,
    )


def test_without_audits_there_is_no_table_of_fidelity():
    side = dataclasses.replace(SIDE, runs=(SIDE.runs[1], SIDE.runs[1]))
    assert compare_fidelity.fidelity_tables(side) == []
