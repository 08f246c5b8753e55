import dataclasses
import types

import pytest

from benchmarks.study import questions, safety, scores, summary
from synthmed_jax.report.formats import DASH, MINUS
from synthmed_jax.results.floors import MAJORITY
from synthmed_jax.results.memorisation import UNION, Detector, Rate
from tests.report.conftest import MEMORISATION


@pytest.fixture
def of_floors(monkeypatch):
    """Two runs that know their floors alone; the first watched none."""
    runs = ["first", "second"]
    known = {
        "first": {("pixels", "real"): 0.9, ("ring", "real"): 0.5, (MAJORITY, "real"): 1.0},
        "second": {("pixels", "real"): 0.6, ("ring", "real"): 0.8, ("corners", "real"): 1.0},
    }
    monkeypatch.setattr(scores, "floors_of", known.__getitem__)
    return types.SimpleNamespace(counted=runs)


def test_the_best_floor_has_the_highest_mean_of_those_that_all_runs_have(of_floors):
    assert scores.best_floor(of_floors) == ("pixels", [0.9, 0.6])


def test_there_is_no_best_floor_of_an_arm_without_floors(of_floors):
    assert scores.best_floor(of_floors, "synthetic") is None


def test_scores_of_an_arm_are_of_the_runs_that_count(design):
    watched = dataclasses.replace(design.runs[0].replicate, fields={"seed": 3})
    runs = (dataclasses.replace(design.runs[0], replicate=watched), *design.runs[1:])
    found = scores.of_arm(dataclasses.replace(design, runs=runs), "synthetic")
    assert found == [
        scores.headline(run)["synthetic"].mean.balanced_accuracy for run in design.runs[1:]
    ]
    assert scores.of_arm(design, "real_repeated") == []


def test_a_change_is_of_pairs_with_the_interval_of_student():
    # Differences 1, 2 and 3 points: mean 2, standard error 1 / sqrt(3), t of 2 degrees 4.3027.
    assert summary.change([0.51, 0.52, 0.53], [0.5, 0.5, 0.5]) == f"+2.0 ({MINUS}0.5 to +4.5)"
    assert summary.change([0.5], [0.52]) == f"{MINUS}2.0 (one seed)"


def test_the_summary_has_a_row_per_design_and_dashes_for_what_lacks(design):
    table = summary.summary_table([("drawn", design)])
    (row,) = table.rows
    assert row.name == "drawn"
    cells = dict(zip(table.columns, row.values, strict=True))
    assert cells["seeds"] == "3"
    mean = sum(scores.of_arm(design, "synthetic")) / 3
    assert cells["synthetic alone"] == f"{100 * mean:.1f}"
    assert cells["best floor"] == cells["copies"] == DASH


def test_remarks_speak_of_the_control_where_it_was_trained(design, monkeypatch):
    assert summary.remarks(design) == ()
    monkeypatch.setattr(
        scores, "of_arm", lambda _, arm: [0.4, 0.5, 0.6] if arm == "synthetic_shuffled" else []
    )
    (said,) = summary.remarks(design)
    # Standard error 10 / sqrt(3) points.
    assert "scores 50.0 % (95 % interval over 3 seeds 25.2 to 74.8 %); chance is 50.0 %" in said


def test_remarks_say_how_far_apart_two_trainings_of_the_same_images_are(design, monkeypatch):
    of_arms = {"real": [0.4, 0.5, 0.6], "real_repeated": [0.41, 0.48, 0.62]}
    monkeypatch.setattr(scores, "of_arm", lambda _, arm: of_arms.get(arm, []))
    (said,) = summary.remarks(design)
    # Differences of 1, -2 and 2 points: mean 1/3, standard error sqrt(13/9), root mean square
    # sqrt(3).
    assert "differs from it by +0.3 (\N{MINUS SIGN}4.8 to +5.5) points on average" in said
    assert "by 1.7 in a single seed" in said
    of_arms |= {"real": [0.4], "real_repeated": [0.41]}
    (said,) = summary.remarks(design)
    assert "by +1.0 (one seed) points: so far apart" in said


def test_what_was_not_measured_is_said_to_be_so(design):
    said = dict(questions.answers([("drawn", design)]))
    assert "is not measured" in said["Diversity"]
    # There is no arm `real`, and no near-duplicates were looked for.
    assert "what is more): not measured." in said["Classical augmentation"]
    assert "follows from `fit`" not in said["Little real data"]
    assert "change that by drawn " in said["Classical augmentation"]
    assert questions.answers([]) == []


def test_every_kind_of_planted_copy_has_its_row(design, monkeypatch):
    shares = {"unchanged": 1.0, "noise": 0.9}
    power = {how: Rate(0, 200, share, 0.0, 1.0) for how, share in shares.items()}
    detector = Detector(UNION, {}, Rate(1, 100, 0.01, 0.0, 0.05), power)
    audited = dataclasses.replace(MEMORISATION, detectors=(detector,))
    of_run = {id(run): audited for run in design.runs[1:]}
    monkeypatch.setattr(scores, "memorisation", lambda run: of_run.get(id(run)))
    rows = {row.name: row.values for row in safety.privacy_table(design).rows}
    found = "90.0\N{NO-BREAK SPACE}%"
    assert rows["found of planted copies: noise"] == ("\N{EN DASH}", found, found)
    assert rows["found of planted copies: unchanged"][1].startswith("100.0")


def test_seeds_without_an_audit_are_named(design, monkeypatch):
    assert summary.unaudited([("drawn", design)]) == "drawn, seed 11, 12, 13"
    of_run = {id(run): run.replicate.seed == 12 or None for run in design.runs}
    monkeypatch.setattr(scores, "memorisation", lambda run: of_run[id(run)])
    assert summary.unaudited([("drawn", design)]) == "drawn, seed 11, 13"


def test_without_an_audit_there_is_no_table_of_privacy(design):
    assert safety.privacy_table(design).rows == ()


def test_where_nothing_is_concluded_about_copies_the_page_says_so_and_why(design, monkeypatch):
    few = dataclasses.replace(
        MEMORISATION, verdict="nothing concluded", why="too few images", copied=None, detectors=()
    )
    monkeypatch.setattr(scores, "memorisation", lambda run: few)
    table = safety.privacy_table(design)
    (flagged,) = (row for row in table.rows if row.name == "flagged as copies")
    assert set(flagged.values) == {"nothing concluded"}
    assert "Seed 12: nothing is concluded about copies: too few images." in table.caption
    assert "nothing concluded" in summary.summary_table([("drawn", design)]).rows[0].values
