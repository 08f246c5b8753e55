import dataclasses

from synthmed_jax.report.formats import DASH, MINUS
from synthmed_jax.report.quality_tables import arm_tables, probability_tables


def test_each_cell_has_its_scores_and_recalls(contents):
    declared, differences = arm_tables(contents.evaluation)
    scores, recalls = probability_tables(contents.evaluation)
    (row,), (test,) = differences.rows, declared.rows
    assert row.name == "resnet18, synthetic, n 500, less resnet18, real, n all"
    assert test.name == f"D1: {row.name}"
    interval = f"{MINUS}18.6 to {MINUS}12.4"
    again = f"{MINUS}21.0 to {MINUS}10.0"
    assert row.values == (f"{MINUS}15.5", interval, "0.0011", "4.3", again)
    ps = ("0.997", "1.000")
    assert test.values == (f"{MINUS}15.5", interval, f"{MINUS}2.0", *ps, "4.3", again)
    shown = dict(zip(scores.columns, scores.rows[0].values, strict=True))
    assert shown == {
        "balanced acc.": "80.0",
        "AUROC": "0.943",
        "Brier": "0.231",
        "ECE": "8.1",
        "ECE if calibrated": "3.2",
        "ECE debiased": "6.6",
        "temperature": "1.37",
        "test loss at it": "0.617",
        "acc. at fit's prior": "87.8",
        "ensemble acc.": "89.1",
        "ensemble balanced": "88.5",
    }
    assert recalls.columns == ("Benign", "Early", "Pre")
    assert recalls.rows[0].values == ("61.0", "64.0", "67.0")


def test_what_was_not_measured_is_a_dash_or_no_table(contents):
    cell, *_ = contents.evaluation.cells
    quality = dataclasses.replace(
        cell.quality,
        tempered=None,
        ensemble=None,
        auroc=None,
        prior_corrected_accuracy=None,
        recalls={"Benign": None, "Early": 1.0, "Pre": 0.5},
    )
    cells = (dataclasses.replace(cell, quality=quality),)
    evaluation = dataclasses.replace(contents.evaluation, cells=cells, declared=(), differences=())
    assert arm_tables(evaluation) == []
    scores, recalls = probability_tables(evaluation)
    assert scores.rows[0].values.count(DASH) == 6
    assert recalls.rows[0].values[0] == DASH
    old = dataclasses.replace(evaluation, cells=(dataclasses.replace(cell, quality=None),))
    assert probability_tables(old) == probability_tables(None) == arm_tables(None) == []
